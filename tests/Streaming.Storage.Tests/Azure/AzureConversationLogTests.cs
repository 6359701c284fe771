using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Azure;

/// <summary>The store in Azure Storage keeps the log's contract.</summary>
public sealed class AzureConversationLogTests(AzuriteFixture azurite) : ConversationLogContract
{
    // Some 40 requests each.
    protected override int RandomSequences => 40;

    protected override async Task<LogUnderTest> StartAsync()
    {
        var store = new AzureLogUnderTest(await azurite.GetAsync());
        await store.ReopenAsync();
        return store;
    }
}
