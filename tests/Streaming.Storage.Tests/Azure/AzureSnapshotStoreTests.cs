using Azure.Core;
using Azure.Storage.Blobs;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Snapshots;
using Streaming.Storage.Tests.Snapshots;

namespace Streaming.Storage.Tests.Azure;

/// <summary>The store in Azure Storage keeps the contract of snapshot stores.</summary>
public sealed class AzureSnapshotStoreTests(AzuriteFixture azurite) : SnapshotStoreContract
{
    private readonly string _prefix = AzuriteFixture.NewPrefix();
    private readonly StoreFaults _faults = new();

    protected override async Task<ISnapshotStore> OpenStoreAsync()
    {
        var account = new AzureAccount(
            new AzureSettings { ConnectionString = (await azurite.GetAsync()).ConnectionString, Prefix = _prefix }
        );
        var store = new AzureSnapshotStore(
            account,
            options =>
            {
                options.AddPolicy(_faults, HttpPipelinePosition.PerCall);
                options.Retry.MaxRetries = 0;
                options.Retry.NetworkTimeout = TimeSpan.FromMinutes(1); // A busy machine is slow; AzureTimeLimitTests tests the limit.
            }
        );
        await store.OpenAsync(Token);
        return store;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // The container ends with the emulator.

    [Fact]
    public async Task A_store_that_does_not_answer_is_reported_and_the_earlier_snapshot_stays()
    {
        await WriteAsync("c", 0, 17, [1]);
        _faults.Break(_ => true);
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => WriteAsync("c", 0, 18, [2]));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => Store.ListAsync("c", Token));
        SnapshotUnavailableException failure = await Assert.ThrowsAsync<SnapshotUnavailableException>(() =>
            Store.OpenAsync(new SnapshotName("c", 0, 17), Token)
        );
        Assert.StartsWith($"Azure Storage does not answer for container {_prefix}-snapshots", failure.Message, StringComparison.Ordinal);
        _faults.Mend();
        Assert.Equal([1], await ReadAsync("c", 0, 17));
    }

    [Fact]
    public async Task A_missing_container_is_not_taken_for_a_missing_snapshot()
    {
        BlobContainerClient container = new BlobServiceClient((await azurite.GetAsync()).ConnectionString).GetBlobContainerClient(
            $"{_prefix}-snapshots"
        );
        await container.DeleteAsync(cancellationToken: Token);

        foreach (
            Func<Task> ask in new Func<Task>[]
            {
                () => Store.OpenAsync(new SnapshotName("c", 0, 17), Token),
                () => Store.ListAsync("c", Token),
                () => WriteAsync("c", 0, 17, [1]),
            }
        )
        {
            SnapshotUnavailableException error = await Assert.ThrowsAsync<SnapshotUnavailableException>(ask);
            Assert.Contains("ContainerNotFound", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_snapshot_interrupted_before_its_commit_is_absent()
    {
        await WriteAsync("c", 0, 17, [1]);
        _faults.Break(request =>
            request.Method == RequestMethod.Put && request.Uri.Query.Contains("comp=blocklist", StringComparison.Ordinal)
        );
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => WriteAsync("c", 0, 18, new byte[5 << 20]));
        _faults.Mend();
        Assert.Equal([new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        Assert.Null(await Store.OpenAsync(new SnapshotName("c", 0, 18), Token));
    }

    [Fact]
    public async Task An_older_snapshot_that_could_not_be_removed_is_removed_with_the_next()
    {
        await WriteAsync("c", 0, 17, [1]);
        _faults.Break(request => request.Method == RequestMethod.Delete);
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => WriteAsync("c", 0, 18, [2]));
        _faults.Mend();
        Assert.Equal([new SnapshotName("c", 0, 18), new SnapshotName("c", 0, 17)], await Store.ListAsync("c", Token));
        await WriteAsync("c", 0, 19, [3]);
        Assert.Equal([new SnapshotName("c", 0, 19)], await Store.ListAsync("c", Token));
    }
}
