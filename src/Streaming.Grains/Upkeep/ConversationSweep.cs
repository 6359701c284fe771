using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// At an orderly stop ends the replies that run here. Looks at start and at intervals for replies that lost their process, and for deleted conversations whose time to be restored
/// is over. Waking a conversation that is awake does nothing.
/// </summary>
internal sealed partial class ConversationSweep(
    IConversationLog log,
    IGrainFactory grains,
    RunningReplies replies,
    IHostApplicationLifetime lifetime,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<ConversationSweep> logger) : BackgroundService
{
    private const int PageSize = 200;

    /// <summary>Hosted services stop in reverse order: the silo is still there, and replies can end in order.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await replies.LeaveAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        using CancellationTokenRegistration registration = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        try
        {
            await started.Task.WaitAsync(stoppingToken);
            using var timer = new PeriodicTimer(options.Value.SweepInterval, time);
            do
            {
                await SweepAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task SweepAsync(CancellationToken cancellation)
    {
        try
        {
            string? after = null;
            while (await log.ListRunningAsync(after, PageSize, cancellation) is { Count: > 0 } running)
            {
                after = running[^1];
                await Task.WhenAll(running.Select(id => TryAsync(id, () => grains.GetGrain<IConversationGrain>(id).Resume())));
            }
            foreach (string id in await log.ListHiddenAsync(time.GetUtcNow() - options.Value.ErasureDelay, PageSize, cancellation))
                await TryAsync(id, () => grains.GetGrain<IConversationUpkeepGrain>(id).Erase());
        }
        catch (LogException e)
        {
            LogSkipped(e);
        }
    }

    /// <summary>One conversation that cannot be woken or erased now does not keep the others waiting; the next sweep tries again.</summary>
    private async Task TryAsync(string id, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception e)
        {
            LogFailed(id, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sweep was skipped: the store does not answer")]
    private partial void LogSkipped(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId} could not be swept; the next sweep tries again")]
    private partial void LogFailed(string conversationId, Exception exception);
}
