using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// An orderly stop: no new work; the step under way ends and is stored; conversations go on elsewhere. Before any service stops:
/// the silo itself is still there, and browsers that are slow to go take none of its time.
/// </summary>
internal sealed partial class OrderlyLeave(
    RunningReplies replies,
    WorkerChoice workers,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<OrderlyLeave> logger
) : IHostedLifecycleService
{
    private static readonly TimeSpan WorkerLimit = TimeSpan.FromSeconds(5);

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
        await replies.CloseAsync();
        // Replies of other silos' conversations run on this silo's devices, too.
        await Task.WhenAll(workers.OwnKeys().Select(key => LeaveAsync(key, cancellationToken)));
        await replies.EndAllAsync(cancellationToken);
    }

    private async Task LeaveAsync(string worker, CancellationToken cancellation)
    {
        try
        {
            await grains.GetGrain<IWorkerGrain>(worker).Leave().WaitAsync(WorkerLimit, time, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotLeft(worker, e); // Its conversations find out when it is gone.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The worker {Worker} could not hand its conversations back")]
    private partial void LogNotLeft(string worker, Exception exception);
}
