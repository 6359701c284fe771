using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Conversations;

namespace Streaming.Grains.Tests.Conversations;

public class TokenGroupsTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Silence = Limits.HeartbeatTimeout;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly WatchedTime _time = new();
    private readonly Channel<DecodeUpdate> _updates = Channel.CreateUnbounded<DecodeUpdate>();

    [Fact]
    public async Task A_full_group_does_not_wait()
    {
        Send(1, 2, 3, 4);
        await using IAsyncEnumerator<TokenGroup> groups = Groups(maxTokens: 2);
        Assert.Equal([1, 2], await NextAsync(groups));
        Assert.Equal([3, 4], await NextAsync(groups));
    }

    [Fact]
    public async Task A_single_token_waits_at_most_the_interval()
    {
        Send(1);
        await using IAsyncEnumerator<TokenGroup> groups = Groups(maxTokens: 16);
        Assert.Equal([1], await NextAsync(groups)); // The very first does not wait.
        Send(2);
        Task<bool> next = groups.MoveNextAsync().AsTask();
        await _time.WaitedForAsync(Interval);
        _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Equal([2], groups.Current.Tokens.Select(t => t.TokenId));
        Assert.Null(groups.Current.Update);
    }

    [Fact]
    public async Task An_end_comes_with_the_tokens_before_it()
    {
        Send(1, 2);
        var end = new ReplyEnded(FinishReason.Stop, "", 1, 0, 0);
        _updates.Writer.TryWrite(end);
        _updates.Writer.Complete();
        await using IAsyncEnumerator<TokenGroup> groups = Groups(maxTokens: 16);
        Assert.Equal([1, 2], await NextAsync(groups));
        Assert.Same(end, groups.Current.Update);
        Assert.False(await groups.MoveNextAsync());
    }

    [Fact]
    public async Task Tokens_before_a_failure_are_kept()
    {
        Send(1);
        _updates.Writer.Complete(new InvalidOperationException("the device is gone"));
        await using IAsyncEnumerator<TokenGroup> groups = Groups(maxTokens: 16);
        Assert.Equal([1], await NextAsync(groups));
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => groups.MoveNextAsync().AsTask());
        Assert.Equal("the device is gone", failure.Message);
    }

    [Fact]
    public async Task A_worker_without_heartbeats_is_abandoned_without_waiting_for_its_answer()
    {
        await using IAsyncEnumerator<TokenGroup> groups = NeverAnswering()
            .InGroupsAsync(new GroupLimits(16, Interval, Silence), _time, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Task<bool> next = groups.MoveNextAsync().AsTask();
        _time.Advance(Silence - TimeSpan.FromMilliseconds(1));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        TimeoutException silence = await Assert.ThrowsAsync<TimeoutException>(() =>
            next.WaitAsync(Limit, TestContext.Current.CancellationToken)
        );
        Assert.Contains("no heartbeat", silence.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_heartbeat_is_a_group_without_tokens_and_restarts_the_timeout()
    {
        await using IAsyncEnumerator<TokenGroup> groups = Groups(maxTokens: 16);
        for (int i = 0; i < 3; i++)
        {
            Task<bool> next = groups.MoveNextAsync().AsTask();
            _time.Advance(Silence - TimeSpan.FromMilliseconds(1));
            Assert.True(_updates.Writer.TryWrite(new Heartbeat()));
            Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
            Assert.Empty(groups.Current.Tokens);
            Assert.IsType<Heartbeat>(groups.Current.Update);
        }
    }

    private IAsyncEnumerator<TokenGroup> Groups(int maxTokens) =>
        _updates
            .Reader.ReadAllAsync(TestContext.Current.CancellationToken)
            .InGroupsAsync(new GroupLimits(maxTokens, Interval, Silence), _time, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);

    /// <summary>Ignores the cancellation token, as a frozen process does.</summary>
    private static async IAsyncEnumerable<DecodeUpdate> NeverAnswering()
    {
        await new TaskCompletionSource().Task;
        yield break;
    }

    /// <summary>A clock that reports its timers.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Writer.TryWrite(dueTime);
            return timer;
        }

        public async Task WaitedForAsync(TimeSpan wait)
        {
            while (await _waits.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Limit) != wait) { }
        }
    }

    private void Send(params int[] ids)
    {
        foreach (int id in ids)
            Assert.True(_updates.Writer.TryWrite(new TokenDecoded(id, "x", [], "")));
    }

    private static async Task<IEnumerable<int>> NextAsync(IAsyncEnumerator<TokenGroup> groups)
    {
        Assert.True(await groups.MoveNextAsync().AsTask().WaitAsync(Limit, TestContext.Current.CancellationToken));
        return groups.Current.Tokens.Select(t => t.TokenId);
    }
}
