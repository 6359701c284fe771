using Azure;
using Azure.Core;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Azurite;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Azure;

/// <summary>A store with its own tables in the emulator. Faults come from the client's pipeline, and from foreign rows.</summary>
internal sealed class AzureLogUnderTest(AzuriteProcess azurite, TimeProvider? time = null) : LogUnderTest
{
    private readonly string _prefix = AzuriteFixture.NewPrefix();
    private AzureStore? _store;

    public StoreFaults Faults { get; } = new();

    public override IConversationLog Log => (_store ?? throw new InvalidOperationException("The store is not open.")).Log;

    /// <summary>Azure Storage returns at most 1,000 rows at once; the emulator handles about a thousand requests a second.</summary>
    public override int ManyConversations => 2_500;

    /// <summary>The tables, through a client without faults.</summary>
    public TableClient Table(string purpose) => new TableServiceClient(azurite.ConnectionString).GetTableClient(_prefix + purpose);

    /// <summary>Makes a new client, as another process would, and creates the tables if they are missing.</summary>
    public override async Task ReopenAsync()
    {
        var account = new AzureAccount(new AzureSettings { ConnectionString = azurite.ConnectionString, Prefix = _prefix });
        _store = new AzureStore(
            account,
            time ?? TimeProvider.System,
            NullLogger<HeadIndex>.Instance,
            options => options.AddPolicy(Faults, HttpPipelinePosition.PerCall)
        );
        await _store.OpenAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Writes the log's rows directly, a hundred at once: the emulator takes a thousand requests per second.</summary>
    public override async Task SeedAsync(IReadOnlyList<NewLog> conversations, int running)
    {
        var heads = conversations
            .Select(
                (log, i) =>
                    new AzureHead
                    {
                        Head = new LogHead
                        {
                            Id = log.Id,
                            Owner = log.Owner,
                            CreatedAt = log.At,
                            ActiveAt = log.At,
                            Running = i < running,
                        },
                        Title = log.Title,
                        RunningSince = i < running ? "since" : "",
                    }
            )
            .ToList();
        await Parallel.ForEachAsync(heads, AtOnce, async (head, token) => await Table("log").AddEntityAsync(head.ToNewRow(), token));
        foreach (IGrouping<string, TableEntity> list in heads.SelectMany(head => HeadIndex.RowsOf(head)).GroupBy(row => row.PartitionKey))
        {
            await Parallel.ForEachAsync(
                list.Chunk(AzureTable.MaxRows),
                AtOnce,
                async (rows, token) =>
                    await Table("index")
                        .SubmitTransactionAsync(rows.Select(row => new TableTransactionAction(TableTransactionActionType.Add, row)), token)
            );
        }
    }

    private static ParallelOptions AtOnce =>
        new() { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken };

    public override async Task SpoilLastRowsAsync(string id)
    {
        LogHead head = (await Log.ReadHeadAsync(id, TestContext.Current.CancellationToken))!;
        foreach (
            (string? key, string? property) in new[]
            {
                ($"e-{TableKeys.Number(head.LastSeq)}", "Block00"),
                (AzureIdRows.Key(head.Branch, head.Position - 1), "Ids"),
            }
        )
        {
            var spoilt = new TableEntity(TableKeys.Escape(id), key) { [property] = new byte[] { 0x80 }, ["BlockBytes"] = 1 };
            await Table("log").UpdateEntityAsync(spoilt, ETag.All, TableUpdateMode.Merge, TestContext.Current.CancellationToken);
        }
    }

    public override async Task AppendThatFailsHalfwayAsync(string id, LogAppend append)
    {
        // Ids come last in the transaction, so all other rows have been accepted when it reaches this one.
        LogHead? head = await Log.ReadHeadAsync(id, TestContext.Current.CancellationToken);
        var inTheWay = new TableEntity(
            id,
            AzureIdRows.Key(head!.Branch + (append.CutTo is null ? 0 : 1), (append.CutTo ?? head.Position) + append.Ids.Length - 1)
        );
        await Table("log").AddEntityAsync(inTheWay, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.AppendAsync(id, append, TestContext.Current.CancellationToken));
        await Table("log").DeleteEntityAsync(inTheWay, ETag.All, TestContext.Current.CancellationToken);
    }

    public override async Task WithoutAnswerAsync(Func<CancellationToken, Task> write)
    {
        // First the answer is lost, then the connection, so that the head cannot be read back.
        Faults.LoseAnswerOf(request =>
        {
            if (!StoreFaults.IsTransaction(request))
                return false;
            Faults.Break(_ => true);
            return true;
        });
        await Assert.ThrowsAsync<LogUnavailableException>(() => write(TestContext.Current.CancellationToken));
        Faults.Mend();
    }

    public override async Task EraseThatIsInterruptedAsync(string id)
    {
        int transactions = 0;
        Faults.Break(request => StoreFaults.IsTransaction(request) && ++transactions == 2);
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.EraseAsync(id, TestContext.Current.CancellationToken));
        Faults.Mend();
    }

    public override async Task<string> ReadHeadRowAsync(string id)
    {
        TableEntity row = await Table("log")
            .GetEntityAsync<TableEntity>(TableKeys.Escape(id), "head", cancellationToken: TestContext.Current.CancellationToken);
        return string.Join('\n', row.Select(property => $"{property.Key}: {Text(property.Value)}"));

        static object Text(object value) => value is byte[] bytes ? Convert.ToHexString(bytes) : value;
    }

    public override Task RequireVersionAsync(string id, int version) =>
        Table("log")
            .UpdateEntityAsync(
                new TableEntity(TableKeys.Escape(id), "head") { ["RequiredVersion"] = version },
                ETag.All,
                TableUpdateMode.Merge,
                TestContext.Current.CancellationToken
            );

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // The tables end with the emulator.
}
