using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>
/// The embedded store in a temporary folder. Faults come from outside, by a second connection to the same file: triggers that
/// abort a statement, rows that make a commit fail, a transaction that blocks writers.
/// </summary>
internal sealed class SqliteLogUnderTest : LogUnderTest
{
    private readonly TemporaryFolder _folder = new();
    private SqliteConversationLog _log;

    public SqliteLogUnderTest()
    {
        Store = OpenStore(_folder.Path);
        _log = new SqliteConversationLog(Store);
    }

    public SqliteStore Store { get; private set; }

    public string Folder => _folder.Path;

    public override IConversationLog Log => _log;

    public static SqliteStore OpenStore(string folder)
    {
        var store = new SqliteStore(folder, NullLogger<SqliteStore>.Instance);
        store.Open();
        return store;
    }

    public override Task ReopenAsync()
    {
        Store.Dispose();
        Store = OpenStore(_folder.Path);
        _log = new SqliteConversationLog(Store);
        return Task.CompletedTask;
    }

    public override async Task SeedAsync(IReadOnlyList<NewLog> conversations, int running)
    {
        await Task.WhenAll(conversations.Select(log => Log.CreateAsync(log, TestContext.Current.CancellationToken)));
        await Task.WhenAll(
            conversations
                .Take(running)
                .Select(async log =>
                {
                    TestWriter writer = await TestWriter.OpenAsync(Log, log.Id);
                    await writer.AppendAsync(writer.Next() with { Running = true });
                })
        );
    }

    public override Task SpoilLastRowsAsync(string id)
    {
        using SqliteConnection connection = Connect();
        string log = $"(SELECT log FROM heads WHERE id = '{id}')";
        Run(
            connection,
            $"UPDATE events SET lengths = x'80' WHERE log = {log} AND last_seq = (SELECT last_seq FROM heads WHERE id = '{id}')"
        );
        Run(connection, $"UPDATE ids SET ids = x'80' WHERE log = {log} AND position = (SELECT max(position) FROM ids)");
        return Task.CompletedTask;
    }

    public override async Task AppendThatFailsHalfwayAsync(string id, LogAppend append)
    {
        // The head is written last, so all other rows are there when this trigger aborts.
        using (new Trigger(this, "BEFORE UPDATE OF last_seq ON heads", "SELECT RAISE(ABORT, 'broken off')"))
            await Assert.ThrowsAsync<LogUnavailableException>(() => Log.AppendAsync(id, append, TestContext.Current.CancellationToken));
    }

    public override async Task WithoutAnswerAsync(Func<CancellationToken, Task> write)
    {
        using var impatience = new CancellationTokenSource();
        Task waiting;
        using (HoldWriters())
        {
            waiting = write(impatience.Token);
            await impatience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }
    }

    public override async Task EraseThatIsInterruptedAsync(string id)
    {
        using (new Trigger(this, "BEFORE DELETE ON events WHEN old.last_seq = 800", "SELECT RAISE(ABORT, 'broken off')"))
            await Assert.ThrowsAsync<LogUnavailableException>(() => Log.EraseAsync(id, TestContext.Current.CancellationToken));
    }

    public override Task<string> ReadHeadRowAsync(string id)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT * FROM heads WHERE id = $id";
        command.Parameters.AddWithValue("$id", id);
        using SqliteDataReader row = command.ExecuteReader();
        Assert.True(row.Read());
        return Task.FromResult(string.Join('\n', Enumerable.Range(0, row.FieldCount).Select(i => $"{row.GetName(i)}: {Text(row[i])}")));

        static object Text(object value) => value is byte[] bytes ? Convert.ToHexString(bytes) : value;
    }

    public override Task RequireVersionAsync(string id, int version)
    {
        using SqliteConnection connection = Connect();
        Run(connection, $"UPDATE heads SET required_version = {version} WHERE id = '{id}'");
        return Task.CompletedTask;
    }

    /// <summary>Blocks the writer's transactions until it is disposed.</summary>
    public IDisposable HoldWriters() => new HeldTransaction(Connect());

    /// <summary>Makes every commit with a receipt fail, until it is disposed.</summary>
    public IDisposable FailCommitsWithReceipts()
    {
        using (SqliteConnection connection = Connect())
            Run(connection, "CREATE TABLE IF NOT EXISTS orphans (parent INTEGER REFERENCES heads (log) DEFERRABLE INITIALLY DEFERRED)");
        return new Trigger(this, "AFTER INSERT ON receipts", "INSERT INTO orphans VALUES (-1)");
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={_folder.Database};Pooling=False");
        connection.Open();
        return connection;
    }

    public override ValueTask DisposeAsync()
    {
        Store.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class HeldTransaction : IDisposable
    {
        private readonly SqliteConnection _connection;

        public HeldTransaction(SqliteConnection connection)
        {
            _connection = connection;
            Run(connection, "BEGIN IMMEDIATE");
        }

        public void Dispose()
        {
            Run(_connection, "ROLLBACK");
            _connection.Dispose();
        }
    }

    private sealed class Trigger : IDisposable
    {
        private readonly SqliteLogUnderTest _store;

        public Trigger(SqliteLogUnderTest store, string when, string then)
        {
            _store = store;
            using SqliteConnection connection = store.Connect();
            Run(connection, $"CREATE TRIGGER fault {when} BEGIN {then}; END");
        }

        public void Dispose()
        {
            using SqliteConnection connection = _store.Connect();
            Run(connection, "DROP TRIGGER fault");
        }
    }
}
