using Orleans.Runtime.Placement;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Tests.Hosting;

namespace Streaming.Grains.Tests.Workers;

/// <summary>
/// Several silos in this process, each with a device of its own, and one store. Heartbeat timeouts are real time, so nothing runs in
/// parallel.
/// </summary>
[CollectionDefinition(nameof(ManyWorkersTests), DisableParallelization = true)]
[Collection(nameof(ManyWorkersTests))]
public sealed class ManyWorkersTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;

    private readonly SemaphoreSlim _begun = new(0);
    private readonly string _data = Directory.CreateTempSubdirectory("streaming-workers-").FullName;

    public void Dispose()
    {
        _begun.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Replies_spread_over_the_devices_of_all_silos()
    {
        ScriptedDevice[] devices = Devices(3, slots: 2);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await using GrainsHost third = await first.JoinAsync(devices[2]);
        await UntilAllKnowAllAsync(first, second, third);

        for (int i = 0; i < 6; i++)
            await StartReplyAsync(first, 100);
        Assert.Equal([2, 2, 2], devices.Select(d => d.Jobs.Count));
    }

    [Fact]
    public async Task A_conversation_returns_to_the_worker_that_holds_its_tensors()
    {
        ScriptedDevice[] devices = Devices(2, slots: 4, stepping: false);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await UntilAllKnowAllAsync(first, second);

        for (int conversation = 0; conversation < 4; conversation++)
        {
            IConversationGrain grain = await first.CreateAsync(Limited(3));
            RecordingObserver watcher = await first.WatchAsync(grain);
            int before = devices[0].Jobs.Count;
            for (int turn = 0; turn < 3; turn++)
            {
                await grain.Send(Caller, "Hello!", $"m{turn}");
                await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2 * turn + 2);
            }
            Assert.Contains(devices[0].Jobs.Count - before, (int[])[0, 3]);
        }
        // Only the first decode job of each conversation had to fill its slot.
        Assert.Equal(4, devices.Sum(d => d.Jobs.Count(w => w.Reset)));
        Assert.Equal(12, devices.Sum(d => d.Jobs.Count));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Replies_of_a_device_that_fails_or_is_hung_continue_at_another_one(bool isHung)
    {
        ScriptedDevice[] devices = Devices(2, slots: 2);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await UntilAllKnowAllAsync(first, second);
        (IConversationGrain Grain, RecordingObserver Watcher)[] conversations = new[]
        {
            await StartReplyAsync(first, 12),
            await StartReplyAsync(first, 12),
        };
        Assert.Equal([1, 1], devices.Select(d => d.Jobs.Count));

        if (isHung)
            devices[0].IsHung = true;
        else
            devices[0].FailRunning();
        await BegunAsync();
        devices[1].Permit(24);

        await AssertSameRepliesAsync(conversations, tokens: 12);
        Assert.Equal([1, 2], devices.Select(d => d.Jobs.Count));
    }

    [Fact]
    public async Task A_queued_reply_moves_to_a_device_that_joins()
    {
        ScriptedDevice[] devices = Devices(2, slots: 1);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await StartReplyAsync(first, 5);
        IConversationGrain waits = await first.CreateAsync(Limited(5));
        RecordingObserver watcher = await first.WatchAsync(waits);
        await waits.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Queued);

        await using GrainsHost second = await first.JoinAsync(devices[1]);
        devices[1].Permit(5);

        await watcher.UntilAsync(EventKind.Finished);
        Assert.Single(devices[0].Jobs);
        Assert.Single(devices[1].Jobs);
    }

    [Fact]
    public async Task A_queued_reply_moves_to_the_slot_that_it_found_free()
    {
        ScriptedDevice[] devices = [.. Devices(2, slots: 2), .. Devices(1, slots: 1)];
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await UntilAllKnowAllAsync(first, second);
        // All conversations live on the first silo; one is queued there, another one at the second silo.
        RequestContext.Set(IPlacementDirector.PlacementHintKey, first.Address);
        for (int i = 0; i < 4; i++)
            await StartReplyAsync(first, 5);
        (IConversationGrain atFirst, RecordingObserver firstWatcher) = await QueueReplyAsync(first, 5);
        (_, RecordingObserver watcher) = await QueueReplyAsync(first, 5);
        RequestContext.Clear();
        await atFirst.Stop(Caller, 2);
        await firstWatcher.UntilAsync(EventKind.Finished);

        // The one free slot counts as taken once it is found, so that its silo is as full as the conversation's own.
        await using GrainsHost third = await first.JoinAsync(devices[2]);
        devices[2].Permit(5);

        await watcher.UntilAsync(EventKind.Finished);
        Assert.Single(watcher.Events, e => e.Kind == EventKind.Queued);
        Assert.Equal([2, 2, 1], devices.Select(d => d.Jobs.Count));
    }

    [Fact]
    public async Task A_place_in_the_queue_is_sent_again_with_the_next_renewal()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, Devices(1, slots: 1)[0]);
        await StartReplyAsync(host, 5);
        (IConversationGrain waits, RecordingObserver first) = await QueueReplyAsync(host, 5);
        ConversationEvent told = await first.UntilAsync(EventKind.Queued);

        // The same subscription, by a reference of its own that has heard nothing yet.
        RecordingObserver renewed = await host.WatchAsync(waits);

        Assert.Equal(told, await renewed.UntilAsync(EventKind.Queued));
    }

    [Fact]
    public async Task A_decode_that_nobody_reads_frees_its_slot_for_a_newer_epoch()
    {
        ScriptedDevice[] devices = Devices(1, slots: 1);
        await using GrainsHost host = await GrainsHost.StartAsync(_data, devices[0]);
        IWorkerGrain worker = host.Grains.GetGrain<IWorkerGrain>(WorkerKey.Of(host.Address, "cpu"));
        var request = new DecodeRequest
        {
            ConversationId = ConversationId.New(),
            Epoch = 1,
            Fixed = 4,
            Window = 16,
            Feed = [1, 2, 3],
            Sampling = new Sampling { MaxTokens = 100 },
        };
        // As when its silo is killed: its reader never asks again, and Orleans notices after more than 10 s.
        await using IAsyncEnumerator<DecodeUpdate> dead = worker.Decode(request).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        devices[0].Permit(1);
        Assert.True(await dead.MoveNextAsync());

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(9));
        await using IAsyncEnumerator<DecodeUpdate> next = worker
            .Decode(request with { Epoch = 2 }, limit.Token)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Task<bool> first = NextTokenAsync(next);
        await BegunAsync();
        await BegunAsync();
        devices[0].Permit(1);
        Assert.True(await first);

        static async Task<bool> NextTokenAsync(IAsyncEnumerator<DecodeUpdate> updates)
        {
            while (await updates.MoveNextAsync())
            {
                if (updates.Current is TokenDecoded)
                    return true;
            }
            return false;
        }
    }

    [Fact]
    public async Task A_worker_key_with_an_unknown_device_is_refused()
    {
        await using GrainsHost first = await GrainsHost.StartAsync(_data, new ScriptedDevice(1, Places));
        IWorkerGrain none = first.Grains.GetGrain<IWorkerGrain>(WorkerKey.Of(first.Address, "cuda:7"));
        Exception refused = await Assert.ThrowsAnyAsync<Exception>(() => none.GetStatus());
        Assert.True(refused.ToString().Contains("has no device 'cuda:7'", StringComparison.Ordinal), refused.ToString());
    }

    [Fact]
    public async Task After_a_graceful_shutdown_replies_continue_on_another_silo_by_themselves()
    {
        ScriptedDevice[] devices = Devices(2, slots: 8);
        await using GrainsHost staying = await GrainsHost.StartAsync(_data, devices[0]);
        GrainsHost stopping = await staying.JoinAsync(devices[1]);
        await UntilAllKnowAllAsync(staying, stopping);
        // Conversations of either silo, of which one decodes at its own silo's device and one at the other's.
        var conversations = new List<(IConversationGrain Grain, RecordingObserver Watcher)>();
        foreach (GrainsHost home in new[] { stopping, stopping, staying, staying })
        {
            RequestContext.Set(IPlacementDirector.PlacementHintKey, home.Address);
            conversations.Add(await StartReplyAsync(staying, 30));
            RequestContext.Clear();
        }
        Assert.Equal([2, 2], devices.Select(d => d.Jobs.Count));
        foreach (ScriptedDevice device in devices)
            device.Permit(8);
        await Task.WhenAll(conversations.Select(c => c.Watcher.UntilAsync(EventKind.Delta)));

        await stopping.DisposeAsync();
        // Two lost their worker and one its silo; the fourth was not disturbed.
        for (int moved = 0; moved < 3; moved++)
            await BegunAsync();
        devices[0].Permit(200);

        await AssertSameRepliesAsync(conversations, tokens: 30);
        Assert.Equal((5, 2), (devices[0].Jobs.Count, devices[1].Jobs.Count));
        // The worker that stayed kept what the conversation had there.
        Assert.Single(devices[0].Jobs, w => w is { Reset: false, Snapshot: null });
    }

    /// <summary>The same message to the same model: replies that moved have the same text.</summary>
    private static async Task AssertSameRepliesAsync(
        IEnumerable<(IConversationGrain Grain, RecordingObserver Watcher)> conversations,
        int tokens
    )
    {
        var texts = new List<string>();
        foreach ((IConversationGrain grain, RecordingObserver watcher) in conversations)
        {
            Assert.Equal(tokens, (await watcher.UntilAsync(EventKind.Finished)).GeneratedTokens);
            texts.Add((await grain.ReadTurns(Caller, null, null)).Items[1].Text);
        }
        Assert.Equal(tokens, texts[0].Length);
        Assert.Single(texts.Distinct());
    }

    private ScriptedDevice[] Devices(int count, int slots, bool stepping = true) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => new ScriptedDevice(slots, Places) { Stepping = stepping, Began = () => _begun.Release() }),
        ];

    private static NewConversation Limited(int tokens) => new() { Sampling = new Sampling { MaxTokens = tokens } };

    /// <summary>A reply that has a slot; its device's permits limit its tokens.</summary>
    private async Task<(IConversationGrain Grain, RecordingObserver Watcher)> StartReplyAsync(GrainsHost host, int tokens)
    {
        IConversationGrain grain = await host.CreateAsync(Limited(tokens));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await BegunAsync();
        return (grain, watcher);
    }

    /// <summary>A reply that has no slot yet.</summary>
    private static async Task<(IConversationGrain Grain, RecordingObserver Watcher)> QueueReplyAsync(GrainsHost host, int tokens)
    {
        IConversationGrain grain = await host.CreateAsync(Limited(tokens));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Queued);
        return (grain, watcher);
    }

    /// <summary>Waits until one more decode job begins at some device.</summary>
    private async Task BegunAsync() =>
        Assert.True(await _begun.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), "No decode job began.");

    /// <summary>Waits until every silo knows the devices of all.</summary>
    private static Task UntilAllKnowAllAsync(params GrainsHost[] hosts) =>
        Task.WhenAll(hosts.Select(h => h.UntilDevicesKnownAsync(hosts.Length)));
}
