using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Timers;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Grains.Maintenance;

/// <summary>
/// Sweeps when a silo asks for it: at its start, at intervals, and when another silo dies. Where there is a reminder service, a
/// reminder asks too, in case no silo does.
/// </summary>
// The stored name; see StoredNamesTests.
[GrainType("upkeep"), Reentrant]
internal sealed partial class MaintenanceGrain(
    IConversationLog log,
    IServiceProvider services,
    IOptions<ConversationOptions> options,
    TimeProvider time,
    ILogger<MaintenanceGrain> logger
) : Grain, IMaintenanceGrain
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
            return; // The embedded store has one silo, which asks when it starts.
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod, cancellationToken);
        }
        catch (Exception e)
        {
            LogReminderNotWritten(e); // Silos ask too; the next activation tries again.
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
                await TryAsync(id, () => GrainFactory.GetGrain<IConversationMaintenanceGrain>(id).Erase());
        }
        catch (LogException e)
        {
            LogSkipped(e);
        }
    }

    /// <summary>A conversation that cannot be woken or erased now does not stop the sweep; the next one tries again.</summary>
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

    [LoggerMessage(LogLevel.Warning, "The recovery sweep stopped: the store does not answer.")]
    private partial void LogSkipped(Exception exception);

    [LoggerMessage(LogLevel.Warning, "The reminder of the recovery sweep could not be written.")]
    private partial void LogReminderNotWritten(Exception exception);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} could not be swept; the next sweep tries again.")]
    private partial void LogFailed(string conversationId, Exception exception);
}
