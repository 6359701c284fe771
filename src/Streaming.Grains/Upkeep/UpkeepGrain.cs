using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Timers;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// Sweeps when a silo asks: at its start, at intervals, and when another one died. Where there is a reminder service, a reminder
/// asks as well, should all of them have forgotten.
/// </summary>
[GrainType("upkeep"), Reentrant]
internal sealed partial class UpkeepGrain(
    IConversationLog log,
    IServiceProvider services,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<UpkeepGrain> logger
) : Grain, IUpkeepGrain
{
    private const int PageSize = 200;
    private const string Reminder = "sweep";

    /// <summary>The shortest period that a reminder may have.</summary>
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private Task _sweeping = Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (services.GetService<IReminderRegistry>() is null)
            return; // The embedded store has one silo, whose start asks.
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod, cancellationToken);
        }
        catch (Exception e)
        {
            LogNoReminder(e); // Sweeping does not depend on it; the next activation tries again.
        }
    }

    /// <inheritdoc/>
    public Task Sweep()
    {
        if (_sweeping.IsCompleted)
            _sweeping = SweepAsync();
        return _sweeping;
    }

    /// <inheritdoc/>
    public Task ReceiveReminder(string reminderName, TickStatus status) => Sweep();

    private async Task SweepAsync()
    {
        try
        {
            string? after = null;
            while (await log.ListRunningAsync(after, PageSize) is { Count: > 0 } running)
            {
                after = running[^1];
                await Task.WhenAll(running.Select(id => TryAsync(id, () => GrainFactory.GetGrain<IConversationGrain>(id).Resume())));
            }
            foreach (string id in await log.ListHiddenAsync(time.GetUtcNow() - options.Value.ErasureDelay, PageSize))
                await TryAsync(id, () => GrainFactory.GetGrain<IConversationUpkeepGrain>(id).Erase());
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The reminder of the sweep could not be written")]
    private partial void LogNoReminder(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Conversation {ConversationId} could not be swept; the next sweep tries again")]
    private partial void LogFailed(string conversationId, Exception exception);
}
