using Azure;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Streaming.Storage.Azure;

/// <summary>
/// Opens the store before any service of the host starts, so that an unusable account stops the host. A busy account is asked again, since
/// otherwise no silo could join while the others keep the account busy.
/// </summary>
internal sealed partial class AzureStoreService(AzureStore store, AzureSnapshotStore snapshots, ILogger<AzureStoreService> logger)
    : IHostedLifecycleService
{
    private const int Attempts = 4; // of up to five seconds each

    /// <inheritdoc/>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await Task.WhenAll(store.OpenAsync(cancellationToken), snapshots.OpenAsync(cancellationToken)).ConfigureAwait(false);
                return;
            }
            catch (StoreOpenException e) when (attempt < Attempts && IsBusy(e) && !cancellationToken.IsCancellationRequested)
            {
                LogBusy(attempt, Attempts, e.Message);
            }
        }
    }

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

    /// <summary>Whether the account did not answer in time, or answered "later"; not for an unknown name or a wrong key.</summary>
    private static bool IsBusy(Exception? e) =>
        e is OperationCanceledException or RequestFailedException { Status: 429 or >= 500 } || (e is not null && IsBusy(e.InnerException));

    [LoggerMessage(LogLevel.Warning, "Attempt {Attempt} of {Attempts} to open the store: {Problem}")]
    private partial void LogBusy(int attempt, int attempts, string problem);
}
