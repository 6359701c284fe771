using Microsoft.Extensions.Time.Testing;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Conversations;
using Streaming.Grains.Persistence;
using Streaming.Grains.Tests.Hosting;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Conversations;

/// <summary>Only appends fence: a read that the store does not answer ends neither an activation nor a reply.</summary>
public sealed class StarvedReadTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-grains-").FullName;
    private readonly ScriptedDevice _device = new(slots: 2, capacity: 64);
    private readonly LogFaults _faults = new();

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Reads_that_fail_are_refused_and_the_running_reply_goes_on()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device, faults: _faults);
        IConversationGrain grain = await host.CreateAsync(Limited(8));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        _device.Permit(1);
        await watcher.UntilAsync(EventKind.Delta);

        _faults.Of = name =>
            name.StartsWith("Read", StringComparison.Ordinal) || name.StartsWith("Find", StringComparison.Ordinal) ? TooBusy() : null;
        foreach (Func<Task> read in (Func<Task>[])[() => grain.ReadEvents(Caller, 0), () => grain.ReadTurns(Caller, null, null)])
            Assert.Equal(Refusal.Unavailable, (await Assert.ThrowsAsync<RequestRefusedException>(read)).Refusal);
        Assert.Equal(
            Refusal.Unavailable,
            (await Assert.ThrowsAsync<RequestRefusedException>(() => grain.Send(Caller, "And you?", "m2"))).Refusal
        );
        _device.Permit(7);
        await watcher.UntilAsync(EventKind.Finished);

        _faults.Of = _ => null;
        Assert.Equal(8, watcher.TextOf(2).Length);
        Assert.Single(_device.Jobs);
        Assert.Equal(1, (await HeadAsync(host, grain)).Epoch);
        Assert.Equal(2, (await grain.ReadTurns(Caller, null, null)).Items.Count);
    }

    [Fact]
    public async Task A_reply_whose_messages_cannot_be_read_for_a_while_begins_when_they_can()
    {
        var failedTwice = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int failures = 0;
        _faults.Of = name =>
        {
            if (name is not nameof(IConversationLog.ReadEventsAsync) || failedTwice.Task.IsCompleted)
                return null;
            if (Interlocked.Increment(ref failures) == 2)
                failedTwice.SetResult();
            return TooBusy();
        };
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device, faults: _faults);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");

        Assert.Equal(FinishReason.Length, (await watcher.UntilAsync(EventKind.Finished)).FinishReason);

        Assert.True(failedTwice.Task.IsCompletedSuccessfully);
        Assert.Equal(1, (await HeadAsync(host, grain)).Epoch);
        Assert.Single(_device.Jobs);
    }

    [Fact]
    public async Task A_page_of_turns_that_its_caller_gave_up_is_no_longer_read()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device, faults: _faults);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _faults.BeforeEvents = async cancellation =>
        {
            begun.SetResult();
            await using CancellationTokenRegistration cancelled = cancellation.Register(ended.SetResult);
            await ended.Task;
            cancellation.ThrowIfCancellationRequested();
        };
        using var leaving = new CancellationTokenSource();

        Task<TurnPage> page = grain.ReadTurns(Caller, null, null, leaving.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await leaving.CancelAsync();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => page);
    }

    [Fact]
    public async Task Equal_reads_at_one_time_are_one_read()
    {
        var reads = new SharedReads<long, string>();
        var answers = new Queue<TaskCompletionSource<string>>([new(), new(), new()]);
        var begun = new List<long>();
        Task<string> Read(long key) =>
            reads.ReadAsync(
                key,
                () =>
                {
                    begun.Add(key);
                    return answers.Dequeue().Task;
                }
            );
        TaskCompletionSource<string> first = answers.Peek();
        Task<string> a = Read(1),
            repeated = Read(1),
            other = Read(2);
        Assert.Equal([1, 2], begun);

        first.SetException(new LogUnavailableException("No.", new TimeoutException()));
        await Assert.ThrowsAsync<LogUnavailableException>(() => a);
        await Assert.ThrowsAsync<LogUnavailableException>(() => repeated);
        Task<string> later = Read(1);

        Assert.Equal([1, 2, 1], begun);
        Assert.False(other.IsCompleted || later.IsCompleted);
    }

    [Fact]
    public void A_place_in_the_queue_is_shown_once_a_second_and_other_events_at_once()
    {
        var time = new FakeTimeProvider();
        var throttle = new QueuedThrottle(time);
        var shown = new List<int?>();
        for (int place = 1_000; place > 0; place--)
        {
            ConversationEvent queued = new() { Kind = EventKind.Queued, Place = place };
            if (throttle.IsDue(queued))
                shown.Add(place);
            Assert.False(throttle.IsDue(queued));
            time.Advance(TimeSpan.FromMilliseconds(4));
        }
        Assert.Equal([1_000, 750, 500, 250], shown);
        Assert.True(throttle.IsDue(new() { Kind = EventKind.Progress, Share = 0.5 }));
    }

    private static NewConversation Limited(long tokens) => new() { Sampling = new Sampling { MaxTokens = tokens } };

    private static async Task<LogHead> HeadAsync(GrainsHost host, IConversationGrain grain) =>
        (await host.Log.ReadHeadAsync(grain.GetPrimaryKeyString(), TestContext.Current.CancellationToken))!;

    private static LogUnavailableException TooBusy() => new("The store was too busy to start a read.", new TimeoutException());
}
