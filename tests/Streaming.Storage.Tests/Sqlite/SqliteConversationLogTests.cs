using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>The embedded store keeps the log's contract.</summary>
public sealed class SqliteConversationLogTests : ConversationLogContract
{
    protected override Task<LogUnderTest> StartAsync() => Task.FromResult<LogUnderTest>(new SqliteLogUnderTest());
}
