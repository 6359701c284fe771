using Microsoft.Extensions.Hosting;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// Opens the store before any service of the host starts, so that a folder in use stops the host. Closes it after all have stopped, so that
/// it outlives the silo, in whatever order they were registered.
/// </summary>
internal sealed class SqliteStoreService(SqliteStore store, FileSnapshotStore snapshots) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) =>
        Task.Run(
            () =>
            {
                store.Open(); // Locks the folder; only then do the snapshots in it belong to this host.
                snapshots.Open();
            },
            cancellationToken
        );

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.Run(store.Dispose, CancellationToken.None);
}
