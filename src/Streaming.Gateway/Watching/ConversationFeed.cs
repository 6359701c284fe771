using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// One conversation that is watched in this process: one subscription, any number of watchers. Each watcher keeps its own position and
/// pulls what follows it, from the recent events or else from the log. So nothing queues up for a slow watcher, and each watcher sees
/// every number once and in order, even if calls of the conversation are lost, late or repeated.
/// </summary>
internal sealed partial class ConversationFeed : IConversationObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly string _conversationId;
    private readonly IConversationGrain _grain;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();

    // Unique for each feed: a late Unsubscribe of an earlier feed must not end this subscription.
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
    /// <param name="reference">A grain reference to the observer that passes the conversation's events on to this feed.</param>
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

    /// <summary>Takes the conversation's last number. Watchers read missing events from the log.</summary>
    public void SetLastSeq(long lastSeq)
    {
        lock (_gate)
        {
            if (lastSeq <= _lastSeq)
                return;
            _lastSeq = lastSeq;
            _transient.Clear(); // The events that were missed may have made them obsolete.
            Signal();
        }
    }

    /// <summary>All events after a number, until the watcher cancels or the conversation is deleted.</summary>
    public async IAsyncEnumerable<ConversationEvent> Watch(
        string caller,
        long afterSeq,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        long place = afterSeq;
        long transientStamp = 0;
        ConversationEvent? availability = null;
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
                next ??= _availability.After(ref availability);
                if (next is null && !behind)
                    next = _transient.After(ref transientStamp);
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
                await Task.WhenAny(reading, changed); // While the conversation is unreachable, the watcher is told so.
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
                _availability.Report(next);
            else
                _transient.Add(next);
            return;
        }
        if (next.FirstSeq() > _lastSeq + 1)
            _transient.Clear();
        _recent.Add(next);
        _transient.RemoveObsolete(next);
        _availability.Clear();
        _lastSeq = Math.Max(_lastSeq, seq);
    }

    /// <summary>Reads a page of the log as soon as the conversation answers, and checks that it follows the watcher's position.</summary>
    private async Task<IReadOnlyList<ConversationEvent>> ReadAsync(string caller, long place, CancellationToken cancellation)
    {
        EventPage page;
        try
        {
            page = await ClusterRetry.UntilAnsweredAsync(() => _grain.ReadEvents(caller, place), _time, ReportUnreachable, cancellation);
            ReportReachable();
        }
        catch (RequestRefusedException refused) when (refused.Refusal == Refusal.NotFound)
        {
            EndAsDeleted(); // The watcher could read it before, so the event of its deletion is late or lost.
            return [];
        }

        long expected = place + 1;
        foreach (ConversationEvent stored in page.Events)
        {
            if (stored.Seq is null || stored.FirstSeq() != expected)
                throw new InvalidOperationException($"The log returned event {stored.FirstSeq()} instead of {expected}.");
            expected = stored.Seq.Value + 1;
        }
        if (page.Events.Count == 0)
            await Task.Delay(ClusterRetry.FirstDelay, _time, cancellation); // The announced event cannot be read yet.
        return page.Events;
    }

    private async Task RenewAsync(IConversationObserver reference, CancellationToken closing)
    {
        try
        {
            while (true)
            {
                SetLastSeq(
                    await ClusterRetry.UntilAnsweredAsync(() => _grain.Subscribe(_subscriber, reference), _time, ReportUnreachable, closing)
                );
                ReportReachable();
                await Task.Delay(Limits.SubscriptionRenewal, _time, closing);
            }
        }
        catch (RequestRefusedException)
        {
            EndAsDeleted(); // A subscription is refused for no other reason.
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
            LogNotUnsubscribed(_logger, _conversationId, exception); // Without renewal it expires.
        }
    }

    private void ReportUnreachable(Exception exception)
    {
        LogUnreachable(_logger, _conversationId, exception);
        lock (_gate)
        {
            _availability.SetUnreachable(_time.GetUtcNow());
            Signal();
        }
    }

    private void ReportReachable()
    {
        lock (_gate)
        {
            _availability.SetReachable(_time.GetUtcNow());
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

    [LoggerMessage(LogLevel.Debug, "Unsubscribing from conversation {ConversationId} failed; the subscription will expire.")]
    private static partial void LogNotUnsubscribed(ILogger logger, string conversationId, Exception exception);
}
