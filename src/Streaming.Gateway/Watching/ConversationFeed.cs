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
    /// <summary>
    /// How long a watcher that has all events so far waits for announced ones before the log is read: their number often overtakes them.
    /// </summary>
    public static readonly TimeSpan EventDelay = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly string _conversationId;
    private readonly IConversationGrain _grain;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StoredPages _pages;
    private readonly ReadLimiter _reads;
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationToken _closed;

    // By the number after which they read: watchers at one place share a read.
    private readonly Dictionary<long, Task<IReadOnlyList<ConversationEvent>>> _reading = [];

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
    public ConversationFeed(
        string conversationId,
        IConversationGrain grain,
        StoredPages pages,
        ReadLimiter reads,
        TimeProvider time,
        ILogger logger
    )
    {
        _pages = pages;
        _reads = reads;
        _closed = _closing.Token;
        _conversationId = conversationId;
        _grain = grain;
        _time = time;
        _logger = logger;
    }

    /// <summary>Subscribes, and renews the subscription until the feed is disposed.</summary>
    /// <param name="reference">A grain reference to the observer that passes the conversation's events on to this feed.</param>
    public void Start(IConversationObserver reference) => _renewing = RenewAsync(reference, _closed);

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
        while (true)
        {
            ConversationEvent? next,
                deleted;
            bool behind;
            Task changed;
            lock (_gate)
            {
                behind = place < _lastSeq;
                next = _recent.After(place) ?? (behind ? _pages.After(this, place) : null);
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
                Task<IReadOnlyList<ConversationEvent>> reading = ReadSharedAsync(caller, place);
                // The awaited events may arrive meanwhile, or the watcher must be told that the conversation is unreachable.
                await Task.WhenAny(reading, changed).WaitAsync(cancellation);
                if (!reading.IsCompleted || (await reading).Count == 0)
                    continue;
                ConversationEvent stored = reading.Result[0]; // The rest is in the shared pages, or is read again if they gave way.
                place = stored.Seq!.Value;
                yield return stored;
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
        if (_closed.IsCancellationRequested)
            return;
        await _closing.CancelAsync();
        await _renewing;
        Task[] reads;
        lock (_gate)
            reads = [.. _reading.Values];
        await Task.WhenAll(reads).ContinueWith(static _ => { }, TaskScheduler.Default); // Their watchers are gone.
        _pages.Remove(this);
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

    /// <summary>Reads the page after a number, or joins the watchers that read it already.</summary>
    private Task<IReadOnlyList<ConversationEvent>> ReadSharedAsync(string caller, long place)
    {
        lock (_gate)
        {
            if (!_reading.TryGetValue(place, out Task<IReadOnlyList<ConversationEvent>>? reading))
                _reading.Add(place, reading = ReadAsync(caller, place));
            return reading;
        }
    }

    private async Task<IReadOnlyList<ConversationEvent>> ReadAsync(string caller, long place)
    {
        await Task.Yield(); // The caller holds the lock.
        try
        {
            if (_pages.After(this, place) is { } there)
                return [there]; // Another watcher's read has just ended.
            if (IsAtHead(place))
            {
                await Task.Delay(EventDelay, _time, _closed);
                if (!IsAtHead(place))
                    return []; // The events have arrived.
            }
            using IDisposable permit = await _reads.EnterAsync(caller, _closed);
            return await ReadPageAsync(caller, place);
        }
        finally
        {
            lock (_gate)
                _reading.Remove(place);
        }
    }

    /// <summary>Whether a watcher has every event that arrived. Others cannot get their next one but by reading.</summary>
    private bool IsAtHead(long place)
    {
        lock (_gate)
            return place == _recent.LastSeq;
    }

    /// <summary>Reads a page of the log as soon as the conversation answers, and checks that it follows the watchers' position.</summary>
    private async Task<IReadOnlyList<ConversationEvent>> ReadPageAsync(string caller, long place)
    {
        EventPage page;
        try
        {
            // A repeated call joins the first one in the grain. Only a subscription that fails shows that no silo answers.
            page = await ClusterRetry.UntilAnsweredAsync(
                () => _grain.ReadEvents(caller, place),
                _time,
                exception => LogUnread(_logger, _conversationId, exception),
                _closed
            );
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
            await Task.Delay(ClusterRetry.FirstDelay, _time, _closed); // The announced event cannot be read yet.
        else
            _pages.Add(this, page.Events);
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

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId} could not be read; its watchers wait.")]
    private static partial void LogUnread(ILogger logger, string conversationId, Exception exception);

    [LoggerMessage(LogLevel.Debug, "Unsubscribing from conversation {ConversationId} failed; the subscription will expire.")]
    private static partial void LogNotUnsubscribed(ILogger logger, string conversationId, Exception exception);
}
