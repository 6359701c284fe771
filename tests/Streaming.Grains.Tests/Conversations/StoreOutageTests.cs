using Streaming.Contracts.Conversations;
using Streaming.Grains.Tests.Hosting;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Conversations;

/// <summary>What watchers are told while the store does not take a reply's tokens.</summary>
public sealed class StoreOutageTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;

    private readonly TemporaryFolder _data = new();
    private readonly ScriptedDevice _device = new(slots: 2, capacity: 64) { Stepping = true };
    private readonly LogFaults _faults = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Watchers_are_told_that_a_reply_goes_on_when_an_append_has_succeeded_and_not_before()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device, faults: _faults);
        IConversationGrain grain = await host.CreateAsync(new NewConversation { Sampling = new Sampling { MaxTokens = 0 } });
        RecordingObserver watcher = await host.WatchAsync(grain);
        IConversationObserver gateway = host.Grains.CreateObjectReference<IConversationObserver>(watcher);
        await grain.Send(Caller, "Tell me a story.", "m1");
        await watcher.UntilAsync(EventKind.Started);

        // The store takes nothing. The activation says so, is fenced and ends; those after it cannot even open the log.
        int appends = 0,
            openings = 0;
        _faults.Of = operation =>
            operation switch
            {
                nameof(IConversationLog.AppendAsync) when Interlocked.Increment(ref appends) == 1 => Unavailable(),
                nameof(IConversationLog.AppendAsync) => new LogFencedException("it", "the test says so"),
                nameof(IConversationLog.OpenForWritingAsync) when Interlocked.Increment(ref openings) > 0 => Unavailable(),
                _ => null,
            };
        _device.Permit(1_000);
        await watcher.UntilAsync(EventKind.Paused);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        for (; Volatile.Read(ref openings) < 3; limit.Token.ThrowIfCancellationRequested())
            await grain.Subscribe("gateway-of-the-test", gateway); // As gateways renew it.
        Assert.Equal([EventKind.Paused], AfterStart(watcher).Distinct()); // Each renewal repeats it.

        _faults.Of = _ => null;
        while (!AfterStart(watcher).Contains(EventKind.Delta))
        {
            limit.Token.ThrowIfCancellationRequested();
            await grain.Subscribe("gateway-of-the-test", gateway);
        }
        Assert.Equal([EventKind.Paused, EventKind.Resumed, EventKind.Delta], AfterStart(watcher).Distinct().Take(3));
    }

    [Fact]
    public async Task Message_that_the_store_does_not_take_is_answered_with_an_error_and_pauses_nothing()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data.Path, _device, faults: _faults);
        IConversationGrain grain = await host.CreateAsync();
        RecordingObserver watcher = await host.WatchAsync(grain);
        int appends = 0;
        _faults.Of = operation => operation == nameof(IConversationLog.AppendAsync) && ++appends <= 2 ? Unavailable() : null;
        _device.Permit(1_000);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Delta);
        Assert.InRange(appends, 3, int.MaxValue);
        Assert.DoesNotContain(watcher.Events, e => e.Kind == EventKind.Paused);
    }

    private static IEnumerable<string> AfterStart(RecordingObserver watcher) =>
        watcher.Events.SkipWhile(e => e.Kind != EventKind.Started).Skip(1).Select(e => e.Kind);

    private static LogUnavailableException Unavailable() => new("The disk is full.", new IOException());
}
