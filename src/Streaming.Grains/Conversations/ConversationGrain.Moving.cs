using Orleans.Runtime.Placement;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Conversations;

/// <content>What the conversation takes along when its silo leaves, and what it tells of the store.</content>
internal sealed partial class ConversationGrain
{
    private const string ObserversKey = "observers",
        WindowKey = "window",
        WorkersKey = "workers";

    private bool _handedOver;
    private HandedWindow? _handedWindow;

    /// <inheritdoc/>
    public void OnDehydrate(IDehydrationContext dehydrationContext)
    {
        dehydrationContext.TryAddValue(ObserversKey, _observers.ToArray());
        if (running.IsLeaving)
            dehydrationContext.TryAddValue(WorkersKey, workers.OwnKeys());
        if (_writer is { Window: { } window, Head: { } head })
            dehydrationContext.TryAddValue(
                WindowKey,
                new HandedWindow(head.Branch, window.Position, window.FixedIds(), window.WindowIds())
            );
    }

    /// <inheritdoc/>
    public void OnRehydrate(IRehydrationContext rehydrationContext)
    {
        if (!rehydrationContext.TryGetValue(ObserversKey, out Subscription[]? subscriptions) || subscriptions is null)
            return;
        _observers = new ObserverList(Id, time, subscriptions);
        _handedOver = true;
        if (rehydrationContext.TryGetValue(WindowKey, out HandedWindow? window))
            _handedWindow = window;
        if (!rehydrationContext.TryGetValue(WorkersKey, out string[]? left) || left is null)
            return;
        foreach (string worker in left)
            workers.Avoid(worker); // They leave with the silo, which still counts as active.
    }

    /// <summary>Goes on at another silo, at once and with those who watch; without another one, whoever starts next goes on.</summary>
    private void HandOver()
    {
        if (running.FindSuccessor() is not { } successor)
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
            await GrainFactory.GetGrain<IWorkerGrain>(worker).Release(Id).WaitAsync(Limits.WorkerSilence, time);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotReleased(Id, e); // Nobody asks for it again: the slot is given to whoever needs it next.
        }
    }

    private void TellOfStore(bool isWaiting)
    {
        DateTimeOffset now = time.GetUtcNow();
        _paused = isWaiting
            ? new ConversationEvent
            {
                Kind = EventKind.Paused,
                Text = "The store does not answer. The conversation goes on when it does.",
                At = now,
            }
            : null;
        _observers.Publish(_paused ?? new ConversationEvent { Kind = EventKind.Resumed, At = now });
    }
}
