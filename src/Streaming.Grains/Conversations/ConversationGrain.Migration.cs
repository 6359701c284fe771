using Orleans.Runtime.Placement;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Persistence;

namespace Streaming.Grains.Conversations;

/// <content>Moves to another silo when this one shuts down.</content>
internal sealed partial class ConversationGrain
{
    private const string ObserversKey = "observers",
        WindowKey = "window",
        WorkersKey = "workers";

    private bool _isMigrated;
    private MigratedWindow? _migratedWindow;

    /// <inheritdoc/>
    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        dehydrationContext.TryAddValue(ObserversKey, _observers.ToArray());
        if (services.Replies.IsShuttingDown)
            dehydrationContext.TryAddValue(WorkersKey, services.Workers.OwnKeys());
        if (_writer is { Window: { } window, Head: { } head })
            dehydrationContext.TryAddValue(
                WindowKey,
                new MigratedWindow(head.Branch, window.Position, window.FixedIds(), window.WindowIds())
            );
    }

    /// <inheritdoc/>
    public void OnRehydrate(IRehydrationContext rehydrationContext)
    {
        if (!rehydrationContext.TryGetValue(ObserversKey, out Subscription[]? subscriptions) || subscriptions is null)
            return;
        _observers = new ObserverList(Id, services.Time, subscriptions);
        _isMigrated = true;
        if (rehydrationContext.TryGetValue(WindowKey, out MigratedWindow? window))
            _migratedWindow = window;
        if (!rehydrationContext.TryGetValue(WorkersKey, out string[]? draining) || draining is null)
            return;
        foreach (string worker in draining)
            services.Workers.Avoid(worker); // They shut down with their silo, which still counts as active.
    }

    /// <summary>Continues on another silo at once, with the same watchers; if there is none, on the next silo that starts.</summary>
    private void MigrateToSuccessor()
    {
        if (services.Replies.FindSuccessor() is not { } successor)
            return;
        // While this silo counts as active, placement alone might choose it again.
        RequestContext.Set(IPlacementDirector.PlacementHintKey, successor);
        MigrateOnIdle();
        RequestContext.Remove(IPlacementDirector.PlacementHintKey);
    }

    private async Task ReleaseAsync(string worker)
    {
        try
        {
            await GrainFactory.GetGrain<IWorkerGrain>(worker).Release(Id).WaitAsync(Limits.WorkerCallTimeout, services.Time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotReleased(Id, e); // The slot is evicted when another conversation needs it.
        }
    }

    /// <summary>
    /// Tells the watchers that the conversation waits for the store, or that the store takes its appends. Without a reply nothing
    /// waits: the sender of a message gets the answer itself.
    /// </summary>
    private void PublishStoreState(bool isWaiting)
    {
        if (isWaiting && _writer is not { Session.IsRunning: true })
            return;
        DateTimeOffset now = services.Time.GetUtcNow();
        _paused = isWaiting
            ? new ConversationEvent
            {
                Kind = EventKind.Paused,
                Text = "The store does not answer; the conversation continues when it does.",
                At = now,
            }
            : null;
        _observers.Publish(_paused ?? new ConversationEvent { Kind = EventKind.Resumed, At = now });
    }
}
