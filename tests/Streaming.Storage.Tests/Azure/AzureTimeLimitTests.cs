using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Migration;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Tests.Azure;

/// <summary>If a store accepts connections and never answers, no client waits longer than its limit, and each reports it.</summary>
public sealed class AzureTimeLimitTests : IDisposable
{
    // A try takes five seconds; clients that retry do so three times, after 0.2, 0.4 and 0.8 s plus jitter.
    private static readonly TimeSpan OneTry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FourTries = TimeSpan.FromSeconds(20);

    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);
    private readonly AzureAccount _account;

    public AzureTimeLimitTests()
    {
        _silent.Start(1024); // The system accepts connections; nothing reads from them.
        string at = $"http://127.0.0.1:{((IPEndPoint)_silent.LocalEndpoint).Port}/account";
        _account = new AzureAccount(
            new AzureSettings { ConnectionString = $"AccountName=account;AccountKey=a2V5;TableEndpoint={at};BlobEndpoint={at}" }
        );
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _silent.Dispose();

    [Fact]
    public async Task No_client_waits_longer_than_its_time_limit()
    {
        var store = new AzureStore(_account, TimeProvider.System, NullLogger<HeadIndex>.Instance);
        var snapshots = new AzureSnapshotStore(_account);
        var name = new SnapshotName("conversation", 0, 1);

        await Task.WhenAll(
            // The log asks once. After a write without an answer, it reads back.
            FailsAsync<LogUnavailableException>(
                OneTry,
                "Azure Storage does not answer for table streaminglog of account account.",
                () => store.Log.ReadHeadAsync("conversation", Token)
            ),
            FailsAsync<LogUnavailableException>(
                OneTry,
                "does not answer for table streamingindex",
                () => store.Log.ListRunningAsync(null, 9, Token)
            ),
            FailsAsync<LogUnavailableException>(
                OneTry,
                "does not answer for table streamingindex",
                () => store.Log.CreateAsync(new NewLog("conversation", "owner", null, DateTimeOffset.UnixEpoch), Token)
            ),
            FailsAsync<StoreOpenException>(OneTry, "check Streaming:Azure", () => store.OpenAsync(Token)),
            FailsAsync<SnapshotUnavailableException>(
                FourTries,
                "Azure Storage does not answer for container streaming-snapshots of account account.",
                () => snapshots.ListAsync("conversation", Token)
            ),
            FailsAsync<SnapshotUnavailableException>(
                FourTries,
                "does not answer for container streaming-snapshots",
                () =>
                    snapshots.WriteAsync(
                        name,
                        1,
                        (to, token) => to.WriteAsync(new byte[1], token).AsTask(),
                        _ => Task.FromResult(true),
                        Token
                    )
            ),
            FailsAsync<StoreOpenException>(FourTries, "check Streaming:Azure", () => snapshots.OpenAsync(Token)),
            // The clients of Orleans' providers, for membership, reminders and grain state.
            FailsAsync<Exception>(
                FourTries,
                "",
                () => _account.ProviderTables.GetTableClient("streamingmembership").CreateIfNotExistsAsync(Token)
            ),
            FailsAsync<Exception>(
                FourTries,
                "",
                () => _account.Blobs().GetBlobContainerClient("streaming-grainstate").GetBlobClient("state").DownloadContentAsync(Token)
            ),
            FailsAsync<StoreOpenException>(
                FourTries,
                "check Streaming:Azure",
                () => new MigrationTarget(_account, _account.TablesWithRetries()).OpenAsync(Token)
            )
        );
    }

    /// <summary>Checks that a call fails as expected, after its limit and before twice the limit, since all share a processor.</summary>
    private static async Task FailsAsync<T>(TimeSpan limit, string said, Func<Task> ask)
        where T : Exception
    {
        var waited = Stopwatch.StartNew();
        T error = await Assert.ThrowsAnyAsync<T>(ask);
        Assert.InRange(waited.Elapsed, limit - TimeSpan.FromSeconds(1), limit * 2);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }
}
