using Azure;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Streaming.Storage.Azure;

/// <summary>
/// Opens the store before any service of the host starts, so that an account that cannot be used stops the host. One that is busy is
/// asked again: a silo that joins while the others keep the account busy would otherwise be refused.
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

    /// <summary>No answer in time, or one that says "later"; not a name that is unknown, a port that is closed, or a key that is wrong.</summary>
    private static bool IsBusy(Exception? e) =>
        e is OperationCanceledException or RequestFailedException { Status: 429 or >= 500 } || (e is not null && IsBusy(e.InnerException));

    [LoggerMessage(Level = LogLevel.Warning, Message = "Attempt {Attempt} of {Attempts} to open the store: {Problem}")]
    private partial void LogBusy(int attempt, int attempts, string problem);
}
