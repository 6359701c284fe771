using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// One conversation, as it is watched in this process: one subscription, any number of watchers. Each watcher has a place of
/// its own and asks for what follows it: from the recent events if they hold it, from the log if they do not. So nothing
/// queues up for a slow watcher, and what a lost, late or doubled call does to the recent events reaches no watcher:
/// each sees every number once, in order.
/// </summary>
internal sealed partial class ConversationFeed : IConversationObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly string _conversationId;
    private readonly IConversationGrain _grain;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();

    // A name of its own for each feed: a late goodbye of an earlier one must not end this one's subscription.
    private readonly string _subscriber = Guid.NewGuid().ToString("N");
    private readonly RecentEvents _recent = new();
    private readonly TransientEvents _transient = new();
    private readonly Availability _availability = new();
    private TaskCompletionSource _changed = NewSignal();
    private ConversationEvent? _deleted;
    private long _lastSeq;
    private Task _renewing = Task.CompletedTask;

    /// <summary>Creates a feed that does nothing yet.</summary>
    public ConversationFeed(string conversationId, IConversationGrain grain, TimeProvider time, ILogger logger)
    {
        _conversationId = conversationId;
        _grain = grain;
        _time = time;
        _logger = logger;
    }

    /// <summary>Subscribes, and renews the subscription until the feed is disposed.</summary>
    /// <param name="reference">What the conversation is to call: a grain reference to this feed.</param>
    public void Start(IConversationObserver reference) => _renewing = RenewAsync(reference, _closing.Token);

    /// <inheritdoc />
    public Task OnEvents(string conversationId, Immutable<IReadOnlyList<ConversationEvent>> events)
    {
        lock (_gate)
        {
            foreach (ConversationEvent next in events.Value)
                Take(next);
            Signal();
        }
        return Task.CompletedTask;
    }

    /// <summary>The number up to which the conversation is known to go.</summary>
    public void Learn(long lastSeq)
    {
        lock (_gate)
        {
            if (lastSeq <= _lastSeq)
                return;
            _lastSeq = lastSeq;
            _transient.Clear(); // Events were missed, perhaps those that made a place in line obsolete.
            Signal();
        }
    }

    /// <summary>Everything after a number, for as long as the watcher asks or until the conversation is deleted.</summary>
    public async IAsyncEnumerable<ConversationEvent> Watch(
        string caller,
        long afterSeq,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        long place = afterSeq;
        long passed = 0; // the stamp of the last event without a number that this watcher was shown
        long told = 0; // the stamp of the last pause or its end
        Task<IReadOnlyList<ConversationEvent>>? reading = null;
        while (true)
        {
            ConversationEvent? next,
                deleted;
            bool behind;
            Task changed;
            lock (_gate)
            {
                next = reading is null ? _recent.After(place) : null;
                behind = place < _lastSeq;
                deleted = _deleted;
                changed = _changed.Task;
                next ??= _availability.After(ref told);
                if (next is null && !behind)
                    next = _transient.After(ref passed);
            }

            if (next is not null)
            {
                place = next.Seq ?? place;
                yield return next;
            }
            else if (deleted is not null)
            {
                yield return deleted;
                yield break;
            }
            else if (behind)
            {
                reading ??= ReadAsync(caller, place, cancellation);
                await Task.WhenAny(reading, changed); // The conversation may be out of reach, which the watcher is told meanwhile.
                if (!reading.IsCompleted)
                    continue;
                foreach (ConversationEvent stored in await reading)
                {
                    place = stored.Seq!.Value;
                    yield return stored;
                }
                reading = null;
            }
            else
            {
                await changed.WaitAsync(cancellation);
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _renewing;
        _closing.Dispose();
    }

    private void Take(ConversationEvent next)
    {
        if (next.Seq is not { } seq)
        {
            if (next.Kind == EventKind.Deleted)
                _deleted ??= next;
            else if (next.Kind is EventKind.Paused or EventKind.Resumed)
                _availability.Say(next);
            else
                _transient.Add(next);
            return;
        }
        if (next.FirstSeq() > _lastSeq + 1)
            _transient.Clear();
        _recent.Add(next);
        _transient.Replace(next);
        _availability.Forget();
        _lastSeq = Math.Max(_lastSeq, seq);
    }

    /// <summary>A page of the log, once the conversation can be reached; checked to follow the watcher's place.</summary>
    private async Task<IReadOnlyList<ConversationEvent>> ReadAsync(string caller, long place, CancellationToken cancellation)
    {
        EventPage page;
        try
        {
            page = await ClusterRetry.UntilAnsweredAsync(() => _grain.ReadEvents(caller, place), _time, cancellation, TellAway);
            TellBack();
        }
        catch (RequestRefusedException refused) when (refused.Refusal == Refusal.NotFound)
        {
            EndAsDeleted(); // The watcher could read it before: the call that says so is late or lost.
            return [];
        }

        long expected = place + 1;
        foreach (ConversationEvent stored in page.Events)
        {
            if (stored.Seq is null || stored.FirstSeq() != expected)
                throw new InvalidOperationException($"The log answered number {stored.FirstSeq()} where {expected} follows.");
            expected = stored.Seq.Value + 1;
        }
        if (page.Events.Count == 0)
            await Task.Delay(ClusterRetry.FirstDelay, _time, cancellation); // An announced event is not readable yet: do not spin.
        return page.Events;
    }

    private async Task RenewAsync(IConversationObserver reference, CancellationToken closing)
    {
        try
        {
            while (true)
            {
                Learn(await ClusterRetry.UntilAnsweredAsync(() => _grain.Subscribe(_subscriber, reference), _time, closing, TellAway));
                TellBack();
                await Task.Delay(Limits.SubscriptionRenewal, _time, closing);
            }
        }
        catch (RequestRefusedException)
        {
            EndAsDeleted(); // There is nothing else in a subscription that could be refused.
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            await UnsubscribeAsync();
        }
    }

    private async Task UnsubscribeAsync()
    {
        try
        {
            await _grain.Unsubscribe(_subscriber).WaitAsync(ClusterRetry.AttemptTimeout, _time, CancellationToken.None);
        }
        catch (Exception exception)
        {
            LogNotUnsubscribed(_logger, _conversationId, exception); // It ends by itself when it is not renewed.
        }
    }

    private void TellAway(Exception exception)
    {
        LogUnreachable(_logger, _conversationId, exception);
        lock (_gate)
        {
            _availability.Leave(_time.GetUtcNow());
            Signal();
        }
    }

    private void TellBack()
    {
        lock (_gate)
        {
            _availability.Return(_time.GetUtcNow());
            Signal();
        }
    }

    private void EndAsDeleted()
    {
        lock (_gate)
        {
            _deleted ??= new ConversationEvent { Kind = EventKind.Deleted, At = _time.GetUtcNow() };
            Signal();
        }
    }

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} cannot be reached; its watchers wait.")]
    private static partial void LogUnreachable(ILogger logger, string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Debug, "The subscription to conversation {ConversationId} was left to end by itself.")]
    private static partial void LogNotUnsubscribed(ILogger logger, string conversationId, Exception exception);
}
