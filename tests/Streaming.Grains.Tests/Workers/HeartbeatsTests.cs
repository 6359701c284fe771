using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Tests.Workers;

public class HeartbeatsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private bool _stuck;
    private readonly Channel<DecodeUpdate> _updates = Channel.CreateUnbounded<DecodeUpdate>();

    [Fact]
    public async Task Sends_a_heartbeat_each_second_while_the_worker_is_silent()
    {
        await using IAsyncEnumerator<DecodeUpdate> updates = Updates();
        for (int second = 0; second < 3; second++)
        {
            Task<bool> next = updates.MoveNextAsync().AsTask();
            _time.Advance(Second - TimeSpan.FromMilliseconds(1));
            Assert.False(next.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(await next.WaitAsync(Limit, TestContext.Current.CancellationToken));
            Assert.IsType<Heartbeat>(updates.Current);
        }
    }

    [Fact]
    public async Task Sends_no_heartbeat_while_the_device_hangs()
    {
        await using IAsyncEnumerator<DecodeUpdate> updates = Updates();
        Task<bool> next = updates.MoveNextAsync().AsTask();
        _stuck = true;
        for (int second = 0; second < 5; second++)
            _time.Advance(Second);
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
        _time.Advance(Second);
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
                .WithHeartbeatsAsync(Second, _time, () => false)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken)
        )
        {
            Task<bool> next = updates.MoveNextAsync().AsTask();
            _time.Advance(Second);
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
            .WithHeartbeatsAsync(Second, _time, () => _stuck, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
}
