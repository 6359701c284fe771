using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Tests.Watching;

public sealed class ConversationFeedTests : IAsyncLifetime
{
    private readonly TimerProbe _time = new();
    private readonly FakeLog _log = new();
    private readonly ScriptedGrain _script;
    private readonly ConversationFeed _feed;

    public ConversationFeedTests()
    {
        (IConversationGrain grain, _script) = ScriptedGrain.Over(_log);
        _feed = new ConversationFeed("c", grain, new StoredPages(), new ReadLimiter(), _time, NullLogger.Instance);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _feed.DisposeAsync();

    [Fact]
    public async Task Stored_events_come_first_and_new_ones_follow()
    {
        _log.Append(EventKind.Message, 1, "hello");
        _log.Append(EventKind.Delta, 2, "a", "b");
        _feed.Start(_feed);
        await using Watcher watcher = Watch(0).Allow();
        await watcher.Reaches(3);

        Publish(_log.Append(EventKind.Delta, 2, "c"));
        await watcher.Reaches(4);

        AssertComplete(watcher, 0);
        Assert.Equal(["hello", "ab", "c"], watcher.Seen.Select(next => next.Text));
        Assert.Equal(1, _log.Reads);
    }

    [Fact]
    public async Task Lost_last_event_is_found_by_the_next_renewal()
    {
        _feed.Start(_feed);
        await using Watcher watcher = Watch(0).Allow();
        Publish(_log.Append(EventKind.Started, 2, [null]));
        await watcher.Reaches(1);

        _log.Append(EventKind.Finished, 2, "lost");
        _time.Advance(Limits.SubscriptionRenewal);
        await _time.EventsAwaited.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        _time.Advance(ConversationFeed.EventDelay);

        Assert.Equal("lost", (await watcher.Reaches(2)).Text);
        Assert.Equal(2, _script.Subscriptions);
    }

    [Fact]
    public async Task Watcher_that_starts_inside_a_group_gets_the_rest_from_the_log()
    {
        Publish(_log.Append(EventKind.Delta, 2, "a", "b", "c"));
        await using Watcher watcher = Watch(1).Allow();

        Assert.Equal(_log.Of(2, 3), await watcher.Reaches(3));
    }

    [Fact]
    public async Task Watcher_sees_a_pause_while_the_silo_is_unreachable_and_continues_without_a_gap()
    {
        _log.Append(EventKind.Message, 1, "hello");
        _script.Unreachable = true;
        _feed.Start(_feed);
        _feed.SetLastSeq(1);
        await using Watcher watcher = Watch(0).Allow();
        for (int second = 0; second < 60; second++)
            _time.Advance(TimeSpan.FromSeconds(1));
        ConversationEvent paused = await watcher.Sees(next => next.Kind == EventKind.Paused);
        Assert.Equal("This conversation does not answer at the moment. It continues by itself.", paused.Text);
        Assert.Equal([paused], watcher.Seen);

        _log.Append(EventKind.Delta, 2, "meanwhile");
        _script.Unreachable = false;
        await AdvanceUntil(watcher.Reaches(2));

        AssertComplete(watcher, 0);
    }

    [Fact]
    public async Task Only_watchers_that_saw_a_pause_see_its_end()
    {
        _feed.Start(_feed);
        await using Watcher before = Watch(0).Allow();
        _script.Unreachable = true;
        await AdvanceUntil(before.Sees(next => next.Kind == EventKind.Paused));

        _script.Unreachable = false;
        await AdvanceUntil(before.Sees(next => next.Kind == EventKind.Resumed));
        await using Watcher after = Watch(0).Allow();
        Publish(_log.Append(EventKind.Started, 2, [null]));
        await Task.WhenAll(before.Reaches(1), after.Reaches(1));

        Assert.Equal([EventKind.Paused, EventKind.Resumed, EventKind.Started], before.Seen.Select(next => next.Kind));
        Assert.Equal([EventKind.Started], after.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task End_of_a_pause_is_shown_once_though_gateway_and_conversation_say_so()
    {
        _feed.Start(_feed);
        await using Watcher watcher = Watch(0).Allow();
        _script.Unreachable = true;
        await AdvanceUntil(watcher.Sees(next => next.Kind == EventKind.Paused));
        _script.Unreachable = false;
        await AdvanceUntil(watcher.Sees(next => next.Kind == EventKind.Resumed));

        Publish(new ConversationEvent { Kind = EventKind.Resumed, At = _time.GetUtcNow() + TimeSpan.FromMilliseconds(4) });
        Publish(Transient(EventKind.Progress, 2, null)); // It is shown after all other pending events.
        await watcher.Sees(next => next.Kind == EventKind.Progress);

        Assert.Equal([EventKind.Paused, EventKind.Resumed, EventKind.Progress], watcher.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task Pause_that_ended_before_a_watcher_saw_it_is_not_shown()
    {
        await using Watcher watcher = Watch(0).Allow(2);
        foreach (string kind in (string[])[EventKind.Paused, EventKind.Resumed])
        {
            Publish(new ConversationEvent { Kind = kind, At = _time.GetUtcNow() });
            await watcher.Sees(next => next.Kind == kind);
        }
        _time.Advance(TimeSpan.FromSeconds(1));
        foreach (string kind in (string[])[EventKind.Paused, EventKind.Resumed])
            Publish(new ConversationEvent { Kind = kind, At = _time.GetUtcNow() });
        Publish(Transient(EventKind.Progress, 2, null));
        watcher.Allow();
        await watcher.Sees(next => next.Kind == EventKind.Progress);

        Assert.Equal([EventKind.Paused, EventKind.Resumed, EventKind.Progress], watcher.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task Conversations_own_pause_lasts_until_it_resumes_or_stores_an_event()
    {
        _feed.Start(_feed);
        Publish(new ConversationEvent { Kind = EventKind.Paused, Text = "The store does not answer." });
        await using Watcher watcher = Watch(0).Allow();
        Assert.Equal("The store does not answer.", (await watcher.Sees(next => next.Kind == EventKind.Paused)).Text);

        Publish(_log.Append(EventKind.Started, 2, [null]));
        await watcher.Reaches(1);
        await using Watcher late = Watch(1).Allow();
        Publish(_log.Append(EventKind.Delta, 2, "a"));
        await Task.WhenAll(watcher.Reaches(2), late.Reaches(2));

        Assert.Equal([EventKind.Paused, EventKind.Started, EventKind.Delta], watcher.Seen.Select(next => next.Kind));
        Assert.Equal([EventKind.Delta], late.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task Slow_watcher_gets_few_large_pieces_and_the_feed_stays_small()
    {
        string word = new('x', 16);
        _script.MostNumbersPerPage = Limits.PieceLength / word.Length; // 1,024
        await using Watcher slow = Watch(0).Allow(1);
        Publish(_log.Append(EventKind.Started, 2, [null]));
        await slow.Reaches(1);
        for (int i = 0; i < 50_000; i++)
            Publish(_log.Append(EventKind.Delta, 2, word));

        slow.Allow();
        await slow.Reaches(50_001);

        AssertComplete(slow, 0);
        // The first event; 48 pages of the log until the recent events reach further back; the rest of those, joined.
        Assert.Equal(1 + 48 + 1, slow.Seen.Count);
        Assert.All(slow.Seen, piece => Assert.True((piece.Text?.Length ?? 0) <= Limits.PieceLength));
    }

    [Fact]
    public async Task Watcher_sees_the_latest_transient_event_of_each_kind()
    {
        await using Watcher watcher = Watch(0);
        Publish(_log.Append(EventKind.Message, 1, "hello"), Transient(EventKind.Queued, 2, 3), Transient(EventKind.Queued, 2, 2));
        Publish(Transient(EventKind.Queued, 2, 1));
        watcher.Allow();
        await watcher.Sees(next => next.Place == 1);

        Assert.Equal([(EventKind.Message, null), (EventKind.Queued, 1)], watcher.Seen.Select(next => (next.Kind, next.Place)));
    }

    [Fact]
    public async Task Transient_event_that_a_renewal_repeats_is_shown_once()
    {
        await using Watcher watcher = Watch(0).Allow();
        ConversationEvent queued = Transient(EventKind.Queued, 2, 1),
            paused = new() { Kind = EventKind.Paused, At = _time.GetUtcNow() };
        Publish(_log.Append(EventKind.Message, 1, "hello"), queued);
        await watcher.Sees(next => next.Kind == EventKind.Queued);
        Publish(paused);
        await watcher.Sees(next => next.Kind == EventKind.Paused);
        Publish(queued);
        Publish(paused);
        Publish(Transient(EventKind.Progress, 2, null)); // It is shown after all other pending events.
        await watcher.Sees(next => next.Kind == EventKind.Progress);

        Assert.Equal([EventKind.Message, EventKind.Queued, EventKind.Paused, EventKind.Progress], watcher.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task Place_in_the_queue_is_not_shown_once_the_reply_has_started()
    {
        await using Watcher watcher = Watch(0);
        Publish(_log.Append(EventKind.Message, 1, "hello"), Transient(EventKind.Queued, 2, 1));
        Publish(_log.Append(EventKind.Started, 2, [null]));
        watcher.Allow();
        await watcher.Reaches(2);
        Publish(_log.Append(EventKind.Delta, 2, "a"));
        await watcher.Reaches(3);

        Assert.DoesNotContain(watcher.Seen, next => next.Kind == EventKind.Queued);
    }

    [Fact]
    public async Task Deletion_is_the_last_event_of_every_watcher()
    {
        await using Watcher first = Watch(0).Allow();
        await using Watcher second = Watch(0).Allow();
        Publish(_log.Append(EventKind.Message, 1, "hello"), Transient(EventKind.Deleted, 0, null));
        await Task.WhenAll(first.Ended, second.Ended);

        Assert.All(
            [first, second],
            watcher => Assert.Equal([EventKind.Message, EventKind.Deleted], watcher.Seen.Select(next => next.Kind))
        );
    }

    [Fact]
    public async Task Deletion_whose_event_was_lost_is_found_by_the_next_renewal()
    {
        _feed.Start(_feed);
        await using Watcher watcher = Watch(0).Allow();
        _script.Deleted = true;
        _time.Advance(Limits.SubscriptionRenewal);
        await watcher.Ended;

        Assert.Equal([EventKind.Deleted], watcher.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task Disposed_feed_unsubscribes()
    {
        (IConversationGrain grain, ScriptedGrain script) = ScriptedGrain.Over(_log);
        var feed = new ConversationFeed("c", grain, new StoredPages(), new ReadLimiter(), _time, NullLogger.Instance);
        feed.Start(feed);
        await feed.DisposeAsync();

        Assert.Equal((1, 1), (script.Subscriptions, script.Goodbyes));
    }

    private Watcher Watch(long after) => new(leaving => _feed.Watch("me", after, leaving));

    private void Publish(params ConversationEvent[] events) =>
        Assert.True(_feed.OnEvents("c", new Immutable<IReadOnlyList<ConversationEvent>>(events)).IsCompletedSuccessfully);

    private static ConversationEvent Transient(string kind, int turn, int? place) =>
        new()
        {
            Kind = kind,
            Turn = turn,
            Place = place,
        };

    private async Task AdvanceUntil(Task reached)
    {
        while (!reached.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
        await reached;
    }

    private void AssertComplete(Watcher watcher, long after)
    {
        long expected = after + 1;
        foreach (ConversationEvent next in watcher.Seen.Where(next => next.Seq is not null))
        {
            Assert.Equal(expected, next.FirstSeq());
            Assert.Equal(_log.Of(next.FirstSeq(), next.Seq!.Value), next);
            expected = next.Seq.Value + 1;
        }
        Assert.Equal(_log.LastSeq + 1, expected);
    }
}
