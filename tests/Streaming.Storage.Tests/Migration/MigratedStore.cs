using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Azurite;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Migration;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Azure;
using Streaming.Storage.Tests.Log;
using Streaming.Storage.Tests.Sqlite;

namespace Streaming.Storage.Tests.Migration;

/// <summary>An embedded store with everything that a store can hold, and separate tables in the emulator to copy it to.</summary>
internal sealed class MigratedStore(AzuriteProcess azurite) : IDisposable
{
    public const string Long = "long/книга";
    public const string Cut = "cut";
    public const string Running = "running";
    public const string Hidden = "hidden";
    public const string Empty = "empty";

    private static readonly string[] s_ids = [Long, Cut, Running, Hidden, Empty];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public string Folder => _folder.Path;

    public StoreFaults Faults { get; } = new();

    public AzureAccount Account { get; } =
        new(new AzureSettings { ConnectionString = azurite.ConnectionString, Prefix = AzuriteFixture.NewPrefix() });

    /// <summary>Runs the copy with a new client, as another run of the command would.</summary>
    public Task<StoreMigrationSummary> MoveAsync(Action<StoreMigrationProgress>? report = null, CancellationToken cancellation = default) =>
        StoreMigration.RunAsync(
            Folder,
            new MigrationTarget(Account, Account.TablesWithRetries(options => options.AddPolicy(Faults, HttpPipelinePosition.PerCall))),
            report,
            cancellation
        );

    /// <summary>Opens the embedded store as a host does, and closes it after use.</summary>
    public async Task UseAsync(Func<IConversationLog, Task> use)
    {
        using SqliteStore store = SqliteLogUnderTest.OpenStore(Folder);
        await use(new SqliteConversationLog(store));
    }

    /// <summary>Opens the log in the account as a host does.</summary>
    public async Task<IConversationLog> OpenTargetAsync()
    {
        var store = new AzureStore(Account, TimeProvider.System, NullLogger<HeadIndex>.Instance);
        await store.OpenAsync(Token);
        return store.Log;
    }

    /// <summary>Conversations of all kinds: one of 2,900 events and 40,000 ids, a cut, a running, a hidden and an empty one.</summary>
    public Task FillAsync() =>
        UseAsync(async log =>
        {
            TestWriter writer = await TestWriter.CreateAsync(log, Long, owner: "Ünï/owner");
            await writer.AppendAsync(writer.Message(new string('世', 300_000), hash: "h/1 é", at: TestWriter.Start.AddMinutes(1)));
            await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 20_000) });
            for (int i = 0; i < 300; i++)
                await writer.AppendAsync(writer.Group("to", "ken", "", "s ", "of ", "a ", "reply", "\n"));
            LogEvent group = writer.Group("x").Events[0];
            await writer.AppendAsync(
                writer.Next() with
                {
                    Events =
                    [
                        .. Enumerable
                            .Range(0, 2_600)
                            .Select(i => group with { First = writer.Head.LastSeq + 1 + i, Last = writer.Head.LastSeq + 1 + i }),
                    ],
                    Ids = TestWriter.Ids(22_400, 17_600),
                    Running = false,
                    State = "{ \"n\": 1 }",
                }
            );
            await log.RetitleAsync(Long, "Заголовок", Token);

            writer = await TestWriter.CreateAsync(log, Cut, at: TestWriter.Start.AddHours(1));
            await writer.AppendAsync(writer.Message("one", hash: "h1"));
            await writer.AppendAsync(writer.Group("a", "b", "c", "d"));
            await writer.AppendAsync(writer.Cut(2, ids: 3));
            await writer.AppendAsync(writer.Cut(1));
            await writer.AppendAsync(writer.Group("e"));
            await writer.AppendAsync(writer.Cut(1, ids: 2) with { Running = false });

            writer = await TestWriter.CreateAsync(log, Running, at: TestWriter.Start.AddHours(2));
            await writer.AppendAsync(writer.Message("go on", hash: "h1"));
            await writer.AppendAsync(writer.Group("and", " on"));

            writer = await TestWriter.CreateAsync(log, Hidden, at: TestWriter.Start.AddHours(3));
            await writer.AppendAsync(writer.Message("deleted", hash: "h1"));
            await writer.AppendAsync(writer.Group("no", "more"));
            await writer.AppendAsync(writer.Cut(1, ids: 4));
            await log.HideAsync(Hidden, TestWriter.Start.AddHours(4), Token);

            await log.CreateAsync(new NewLog(Empty, "owner", "nothing yet", TestWriter.Start), Token);
        });

    /// <summary>Checks that both stores give the same answers through the log's interface.</summary>
    public async Task AssertSameAsync()
    {
        IConversationLog target = await OpenTargetAsync();
        await UseAsync(async source => Assert.Equal(await DescribeAsync(source), await DescribeAsync(target)));
    }

    /// <summary>Every row and blob of the account under this prefix, with its version.</summary>
    public async Task<List<string>> VersionsAsync()
    {
        var versions = new List<string>();
        foreach (string purpose in new[] { "log", "index" })
        {
            await foreach (
                TableEntity row in Account
                    .ProviderTables.GetTableClient(Account.TableName(purpose))
                    .QueryAsync<TableEntity>(cancellationToken: Token)
            )
                versions.Add($"{purpose} {row.PartitionKey} {row.RowKey} {row.ETag}");
        }

        await foreach (BlobItem blob in States.GetBlobsAsync(cancellationToken: Token))
            versions.Add($"{blob.Name} {blob.Properties.ETag}");
        return versions;
    }

    public BlobContainerClient States => Account.Blobs().GetBlobContainerClient(Account.ContainerName("grainstate"));

    public TableClient Table(string purpose) => Account.ProviderTables.GetTableClient(Account.TableName(purpose));

    public void Dispose() => _folder.Dispose();

    private static async Task<List<string>> DescribeAsync(IConversationLog log)
    {
        var said = new List<string>();
        foreach (string id in s_ids)
        {
            LogHead head = (await log.ReadHeadAsync(id, Token))!;
            said.Add(head.ToString());
            foreach (LogEvent e in await log.ReadEventsAsync(id, 1, long.MaxValue, 100_000, int.MaxValue, Token))
                said.Add($"{e with { Lengths = [] }} {string.Join(',', e.Lengths)} {e.At.UtcTicks}");
            for (int branch = 0; branch <= head.Branch; branch++)
                said.Add($"branch {branch}: {string.Join(',', await log.ReadIdsAsync(id, branch, 0, 1_000_000, Token))}");
            foreach (string hash in new[] { "h1", "h/1 é", "none" })
                said.Add($"{await log.FindMessageAsync(id, hash, Token)}");
        }

        foreach (string owner in new[] { "owner", "Ünï/owner", "nobody" })
            said.Add(string.Join('\n', (await log.ListOwnedAsync(owner, null, 100, Token)).Items));
        said.Add(string.Join('\n', await log.ListRunningAsync(null, 100, Token)));
        said.Add(string.Join('\n', await log.ListHiddenAsync(DateTimeOffset.MaxValue, 100, Token)));
        return said;
    }
}
