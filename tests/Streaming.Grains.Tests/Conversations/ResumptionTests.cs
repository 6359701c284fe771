using System.Collections.Concurrent;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Conversations;
using Streaming.Grains.Persistence;
using Streaming.Grains.Tests.Hosting;

namespace Streaming.Grains.Tests.Conversations;

/// <summary>
/// What counts as a resumption: an attempt that got a slot, since only what is at work there can end a process. A host that stops while
/// a reply runs leaves the same log as one that is killed.
/// </summary>
public sealed class ResumptionTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-resumptions-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Replies_that_wait_for_a_slot_are_not_counted_however_often_the_host_ends()
    {
        const int Replies = 4;
        var ids = new List<string>();
        var counts = new Dictionary<string, int>();
        for (int start = 0; start <= ReplyRunner.MaxResumptions; start++)
        {
            var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var device = new ScriptedDevice(slots: 1, Places) { Stepping = true, Began = () => begun.TrySetResult() };
            await using GrainsHost host = await StartAsync(device);
            if (start == 0)
                ids.AddRange(await CreateAsync(host, Replies));
            Dictionary<string, RecordingObserver> watchers = await WatchAsync(host, ids);
            if (start == 0)
            {
                foreach (string id in ids)
                    await Grain(host, id).Send(Caller, "Hello!", "m1");
            }
            await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), Token);
            List<Task<ConversationEvent>> queued = [.. watchers.Values.Select(w => w.UntilAsync(EventKind.Queued))];
            while (queued.Count > 1)
                queued.Remove(await Task.WhenAny(queued));

            // Each start counts the one that got the slot, whichever it is.
            foreach (string id in ids)
                counts[id] = (await SessionAsync(host, id)).Resumptions;
            Assert.Equal(start, counts.Values.Sum());
            Assert.Single(device.Jobs);
        }

        await using GrainsHost last = await StartAsync(new ScriptedDevice(slots: 1, Places));
        foreach ((string id, RecordingObserver watcher) in await WatchAsync(last, ids))
        {
            await UntilEndedAsync(last, id, watcher);
            TurnItem reply = (await Grain(last, id).ReadTurns(Caller, null, null)).Items[^1];
            // One that was at work each time the host ended may be the cause; those that waited go on.
            bool wasAlwaysAtWork = counts[id] == ReplyRunner.MaxResumptions;
            Assert.Equal(wasAlwaysAtWork ? (FinishReason.Failed, 0) : (FinishReason.Length, 30), (reply.FinishReason, reply.Text.Length));
        }
    }

    [Fact]
    public async Task A_reply_that_ends_its_host_at_work_is_counted_before_the_work_and_fails_after_three_resumptions()
    {
        string id = "";
        for (int start = 0; start <= ReplyRunner.MaxResumptions; start++)
        {
            var device = new ScriptedDevice(slots: 1, Places) { Stepping = true };
            await using GrainsHost host = await StartAsync(device);
            var begun = new TaskCompletionSource<Task<SessionState>>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (start == 0)
                id = Assert.Single(await CreateAsync(host, 1));
            device.Began = () => begun.SetResult(SessionAsync(host, id));
            await WatchAsync(host, [id]);
            if (start == 0)
                await Grain(host, id).Send(Caller, "Hello!", "m1");
            Assert.Equal(start, (await begun.Task.Unwrap().WaitAsync(TimeSpan.FromSeconds(30), Token)).Resumptions);
        }

        var idle = new ScriptedDevice(slots: 1, Places);
        await using GrainsHost last = await StartAsync(idle);
        await UntilEndedAsync(last, id, (await WatchAsync(last, [id]))[id]);
        Assert.Equal(FinishReason.Failed, (await Grain(last, id).ReadTurns(Caller, null, null)).Items[^1].FinishReason);
        Assert.Empty(idle.Jobs);
    }

    [Fact]
    public async Task A_resumed_reply_that_moves_from_a_queue_to_another_worker_is_counted_there()
    {
        List<string> ids;
        await using (GrainsHost host = await StartAsync(new ScriptedDevice(slots: 1, Places) { Stepping = true }))
        {
            ids = await CreateAsync(host, 2);
            Dictionary<string, RecordingObserver> watchers = await WatchAsync(host, ids);
            await Grain(host, ids[0]).Send(Caller, "Hello!", "m1");
            await Grain(host, ids[1]).Send(Caller, "Hello!", "m1");
            await Task.WhenAny(watchers.Values.Select(w => w.UntilAsync(EventKind.Queued)));
        }

        await using GrainsHost first = await StartAsync(new ScriptedDevice(slots: 1, Places) { Stepping = true });
        Dictionary<string, RecordingObserver> again = await WatchAsync(first, ids);
        await Task.WhenAny(again.Values.Select(w => w.UntilAsync(EventKind.Queued)));
        int[] counts = [.. (await Task.WhenAll(ids.Select(id => SessionAsync(first, id)))).Select(s => s.Resumptions).Order()];
        Assert.Equal(0, counts[0]); // The other one has the slot, or is about to begin there.

        var begun = new ConcurrentQueue<Task<SessionState[]>>();
        using var signal = new SemaphoreSlim(0);
        var second = new ScriptedDevice(slots: 1, Places) { Stepping = true };
        second.Began = () =>
        {
            begun.Enqueue(Task.WhenAll(ids.Select(id => SessionAsync(first, id))));
            signal.Release();
        };
        await using GrainsHost joined = await first.JoinAsync(second, Options());
        Assert.True(await signal.WaitAsync(TimeSpan.FromSeconds(30), Token), "The queued reply did not move.");
        Assert.Equal([1, 1], (await Assert.Single(begun)).Select(s => s.Resumptions));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ConversationOptions Options() => new() { GroupTokens = 4, SnapshotTokens = 0 };

    private Task<GrainsHost> StartAsync(ScriptedDevice device) => GrainsHost.StartAsync(_data, device, Options());

    private static IConversationGrain Grain(GrainsHost host, string id) => host.Grains.GetGrain<IConversationGrain>(id);

    private static async Task<List<string>> CreateAsync(GrainsHost host, int conversations)
    {
        var ids = new List<string>();
        for (int i = 0; i < conversations; i++)
            ids.Add((await host.CreateAsync(new() { Sampling = new() { MaxTokens = 30 } })).GetPrimaryKeyString());
        return ids;
    }

    private static async Task<Dictionary<string, RecordingObserver>> WatchAsync(GrainsHost host, IEnumerable<string> ids)
    {
        var watchers = new Dictionary<string, RecordingObserver>();
        foreach (string id in ids)
            watchers[id] = await host.WatchAsync(Grain(host, id));
        return watchers;
    }

    /// <summary>Waits for the reply's end, which may precede the watching.</summary>
    private static async Task UntilEndedAsync(GrainsHost host, string id, RecordingObserver watcher)
    {
        if ((await Grain(host, id).Get(Caller)).Running is not null)
            await watcher.UntilAsync(EventKind.Finished);
    }

    private static async Task<SessionState> SessionAsync(GrainsHost host, string id) =>
        SessionState.Parse((await host.Log.ReadHeadAsync(id, Token))!.State);
}
