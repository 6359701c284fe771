using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Tests.Watching;

/// <summary>The number of reads does not depend on the number of watchers.</summary>
public sealed class SharedReadsTests : IAsyncLifetime
{
    private const int Watchers = 200;

    private readonly TimerProbe _time = new();
    private readonly FakeLog _log = new();
    private readonly ReadLimiter _reads = new();
    private readonly ScriptedGrain _script;
    private readonly ConversationFeed _feed;

    public SharedReadsTests()
    {
        (IConversationGrain grain, _script) = ScriptedGrain.Over(_log);
        _feed = new ConversationFeed("c", grain, new StoredPages(), _reads, _time, NullLogger.Instance);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _feed.DisposeAsync();

    [Fact]
    public async Task Watchers_that_catch_up_read_each_page_once()
    {
        _log.Append(EventKind.Message, 1, "hello");
        for (int i = 0; i < 9_999; i++)
            _log.Append(EventKind.Delta, 2, "x");
        _script.MostNumbersPerPage = 500;
        _feed.SetLastSeq(10_000);
        Watcher[] watchers = Many(0);

        await Task.WhenAll(watchers.Select(watcher => watcher.Reaches(10_000)));

        Assert.Equal(20, _log.Reads);
        Assert.All(watchers, watcher => Assert.Equal(10_000, watcher.Seen.Sum(next => next.Seq - next.FirstSeq() + 1)));
        Assert.Equal(0, _reads.Count);
        await LeaveAsync(watchers);
    }

    [Fact]
    public async Task Watchers_at_the_head_get_events_that_their_number_overtook_without_a_read()
    {
        Publish(_log.Append(EventKind.Started, 2, [null]));
        Watcher[] watchers = Many(0);
        await Task.WhenAll(watchers.Select(watcher => watcher.Reaches(1)));

        ConversationEvent late = _log.Append(EventKind.Delta, 2, "late");
        _feed.SetLastSeq(2);
        await _time.EventsAwaited.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Publish(late);
        await Task.WhenAll(watchers.Select(watcher => watcher.Reaches(2)));
        _time.Advance(ConversationFeed.EventDelay);
        await LeaveAsync(watchers);
        await _feed.DisposeAsync(); // It waits for the reads.

        Assert.Equal(0, _log.Reads);
    }

    [Fact]
    public async Task An_event_that_is_lost_is_read_once_for_all_watchers_at_the_head()
    {
        Publish(_log.Append(EventKind.Started, 2, [null]));
        Watcher[] watchers = Many(0);
        await Task.WhenAll(watchers.Select(watcher => watcher.Reaches(1)));

        _log.Append(EventKind.Delta, 2, "lost");
        _feed.SetLastSeq(2);
        await AdvanceUntil(Task.WhenAll(watchers.Select(watcher => watcher.Reaches(2))));

        Assert.Equal(1, _log.Reads);
        await LeaveAsync(watchers);
    }

    [Fact]
    public async Task A_store_that_does_not_answer_reads_is_not_called_a_missing_silo()
    {
        _log.Append(EventKind.Message, 1, "hello");
        _script.FailingReads = 8;
        _feed.Start(_feed);
        await using Watcher watcher = new Watcher(leaving => _feed.Watch("me", 0, leaving)).Allow();

        await AdvanceUntil(watcher.Reaches(1));

        Assert.Equal(0, _script.FailingReads);
        Assert.Equal([EventKind.Message], watcher.Seen.Select(next => next.Kind));
    }

    [Fact]
    public async Task One_identity_has_four_reads_at_a_time_and_others_do_not_wait_for_it()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        var permits = new List<IDisposable>();
        for (int i = 0; i < Limits.ParallelReads; i++)
            permits.Add(await _reads.EnterAsync("greedy", cancelled));
        Task<IDisposable> fifth = _reads.EnterAsync("greedy", cancelled);
        using (var leaving = new CancellationTokenSource())
        {
            Task<IDisposable> sixth = _reads.EnterAsync("greedy", leaving.Token);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sixth);
        }
        (await _reads.EnterAsync("other", cancelled)).Dispose();
        Assert.False(fifth.IsCompleted);

        permits[0].Dispose();
        (await fifth).Dispose();
        permits.Skip(1).ToList().ForEach(permit => permit.Dispose());

        Assert.Equal(0, _reads.Count);
    }

    [Fact]
    public async Task An_attempt_that_is_given_up_is_cancelled_before_the_next_one()
    {
        var attempts = new List<CancellationToken>();
        Task<int> answer = ClusterRetry.WithinTimeoutAsync(
            attempt =>
            {
                Assert.All(attempts, earlier => Assert.True(earlier.IsCancellationRequested));
                attempts.Add(attempt);
                return attempts.Count < 3 ? new TaskCompletionSource<int>().Task : Task.FromResult(7);
            },
            _time,
            TestContext.Current.CancellationToken
        );
        await AdvanceUntil(answer);

        Assert.Equal((7, 3), (await answer, attempts.Count));
        Assert.False(attempts[2].IsCancellationRequested);
    }

    [Fact]
    public void Pages_are_bounded_by_their_text_and_the_least_recently_used_gives_way()
    {
        var pages = new StoredPages(capacity: 10, textCapacity: 25);
        object feed = new();
        pages.Add(feed, [Delta(1, 10), Delta(2, 0)]);
        pages.Add(feed, [Delta(3, 10)]);
        Assert.Equal(2, pages.After(feed, 1)?.Seq); // used
        pages.Add(feed, [Delta(4, 10)]);

        Assert.Null(pages.After(feed, 2));
        Assert.Equal((1L, 4L), (pages.After(feed, 0)?.Seq, pages.After(feed, 3)?.Seq));
        Assert.Null(pages.After(new object(), 0));
        pages.Remove(feed);
        Assert.Null(pages.After(feed, 0));
    }

    private static ConversationEvent Delta(long seq, int length) =>
        new()
        {
            Kind = EventKind.Delta,
            Seq = seq,
            Text = new string('x', length),
        };

    private Watcher[] Many(long after) =>
        [.. Enumerable.Range(0, Watchers).Select(_ => new Watcher(leaving => _feed.Watch("me", after, leaving)).Allow())];

    private static Task LeaveAsync(Watcher[] watchers) => Task.WhenAll(watchers.Select(watcher => watcher.DisposeAsync().AsTask()));

    private void Publish(params ConversationEvent[] events) =>
        Assert.True(_feed.OnEvents("c", new Immutable<IReadOnlyList<ConversationEvent>>(events)).IsCompletedSuccessfully);

    private async Task AdvanceUntil(Task reached)
    {
        while (!reached.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        await reached;
    }
}
