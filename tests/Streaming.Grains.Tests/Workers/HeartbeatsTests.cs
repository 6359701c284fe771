using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Streaming.Contracts;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Tests.Workers;

public class HeartbeatsTests
{
    /// <summary>The earliest verdict of the membership on a frozen silo; 5.4 to 6.2 s were measured.</summary>
    private static readonly TimeSpan FrozenSiloVerdict = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Interval = Limits.HeartbeatInterval;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private bool _hung;
    private readonly Channel<DecodeUpdate> _updates = Channel.CreateUnbounded<DecodeUpdate>();

    [Fact]
    public void A_worker_may_miss_two_heartbeats_and_is_left_before_the_membership_notices_a_frozen_silo()
    {
        Assert.True(Limits.HeartbeatTimeout >= 3 * Limits.HeartbeatInterval);
        Assert.True(Limits.HeartbeatTimeout < FrozenSiloVerdict);
    }

    [Fact]
    public async Task Sends_a_heartbeat_each_interval_while_the_worker_is_silent()
    {
        await using IAsyncEnumerator<DecodeUpdate> updates = Updates();
        for (int beat = 0; beat < 3; beat++)
        {
            Task<bool> next = updates.MoveNextAsync().AsTask();
            _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
            Assert.False(next.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
            Assert.IsType<Heartbeat>(updates.Current);
        }
    }

    [Fact]
    public async Task Sends_no_heartbeat_while_the_device_is_hung()
    {
        await using IAsyncEnumerator<DecodeUpdate> updates = Updates();
        Task<bool> next = updates.MoveNextAsync().AsTask();
        _hung = true;
        for (int beat = 0; beat < 5; beat++)
            _time.Advance(Interval);
        Assert.False(next.IsCompleted);

        Assert.True(_updates.Writer.TryWrite(new InputProgress(0.5)));

        Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
        Assert.Equal(new InputProgress(0.5), updates.Current);
    }

    [Fact]
    public async Task Passes_updates_on_at_once_and_in_order_also_after_a_silence()
    {
        await using IAsyncEnumerator<DecodeUpdate> updates = Updates();
        Task<bool> silent = updates.MoveNextAsync().AsTask();
        _time.Advance(Interval);
        Assert.True(await silent.WaitAsync(Limit, TestContext.Current.CancellationToken));
        DecodeUpdate[] said = [new SlotQueued(1), new InputProgress(0.5), new HandedBack()];
        foreach (DecodeUpdate update in said)
            Assert.True(_updates.Writer.TryWrite(update));
        _updates.Writer.Complete();

        var heard = new List<DecodeUpdate>();
        while (await updates.MoveNextAsync().AsTask().WaitAsync(Limit, TestContext.Current.CancellationToken))
            heard.Add(updates.Current);
        Assert.Equal(said, heard);
    }

    [Fact]
    public async Task Cancels_the_source_when_the_reader_leaves_during_a_silence()
    {
        bool ended = false;
        await using (
            IAsyncEnumerator<DecodeUpdate> updates = Endless()
                .WithHeartbeatsAsync(Interval, _time, () => false)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken)
        )
        {
            Task<bool> next = updates.MoveNextAsync().AsTask();
            _time.Advance(Interval);
            Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
        }
        Assert.True(ended);

        async IAsyncEnumerable<DecodeUpdate> Endless(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default
        )
        {
            try
            {
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
            }
            finally
            {
                ended = true;
            }
            yield break;
        }
    }

    private IAsyncEnumerator<DecodeUpdate> Updates() =>
        _updates
            .Reader.ReadAllAsync(TestContext.Current.CancellationToken)
            .WithHeartbeatsAsync(Interval, _time, () => _hung, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
}
