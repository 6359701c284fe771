using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Shutdown;

/// <summary>
/// A graceful shutdown: no reply begins; the current step ends and its tokens are stored; conversations continue elsewhere. It runs
/// before any service stops, so that the silo still works and slow browsers take none of its time.
/// </summary>
internal sealed partial class GracefulShutdown(
    RunningReplies replies,
    WorkerChoice workers,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<GracefulShutdown> logger
) : IHostedLifecycleService
{
    private static readonly TimeSpan WorkerTimeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await replies.BeginShutdownAsync();
        // Replies of other silos' conversations run on this silo's devices too.
        await Task.WhenAll(workers.OwnKeys().Select(key => DrainAsync(key, cancellationToken)));
        await replies.DrainAsync(cancellationToken);
    }

    private async Task DrainAsync(string worker, CancellationToken cancellation)
    {
        try
        {
            await grains.GetGrain<IWorkerGrain>(worker).Drain().WaitAsync(WorkerTimeout, time, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotDrained(worker, e); // Its conversations notice when it is gone.
        }
    }

    [LoggerMessage(LogLevel.Warning, "The worker {Worker} could not hand its conversations back.")]
    private partial void LogNotDrained(string worker, Exception exception);
}
