using Microsoft.Extensions.Hosting;
using Streaming.Storage.Snapshots;

namespace Streaming.Storage.Azure;

/// <summary>Opens the store before any service of the host starts, so that an account that does not answer stops the host.</summary>
internal sealed class AzureStoreService(AzureStore store, AzureSnapshotStore snapshots) : IHostedLifecycleService
{
    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(store.OpenAsync(cancellationToken), snapshots.OpenAsync(cancellationToken));

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
