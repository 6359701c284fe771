using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// An orderly stop: no new work; the step under way ends and is stored; conversations go on elsewhere. Hosted services stop in
/// reverse order, so the silo itself is still there.
/// </summary>
internal sealed partial class OrderlyLeave(
    RunningReplies replies, WorkerChoice workers, IGrainFactory grains, TimeProvider time, ILogger<OrderlyLeave> logger) : IHostedService
{
    private static readonly TimeSpan WorkerLimit = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        replies.Close();
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
