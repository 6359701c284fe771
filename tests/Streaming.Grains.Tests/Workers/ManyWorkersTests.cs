using Orleans.Runtime.Placement;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Tests.Hosting;

namespace Streaming.Grains.Tests.Workers;

/// <summary>Several silos in this process, each with a device of its own, and one store.</summary>
[CollectionDefinition(nameof(ManyWorkersTests), DisableParallelization = true)] // silent seconds are real ones: nothing else may take the processor
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
    public async Task Replies_spread_over_the_devices_of_all_silos_and_each_gets_a_slot_while_there_is_one()
    {
        ScriptedDevice[] devices = Devices(3, slots: 2);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await using GrainsHost third = await first.JoinAsync(devices[2]);
        await KnowingAllAsync(first, second, third);

        for (int i = 0; i < 6; i++)
            await StartReplyAsync(first, 100);
        Assert.Equal([2, 2, 2], devices.Select(d => d.Works.Count));
    }

    [Fact]
    public async Task A_conversation_goes_back_to_the_worker_that_holds_its_slot()
    {
        ScriptedDevice[] devices = Devices(2, slots: 4, stepping: false);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await KnowingAllAsync(first, second);

        for (int conversation = 0; conversation < 4; conversation++)
        {
            IConversationGrain grain = await first.CreateAsync(Limited(3));
            RecordingObserver watcher = await first.WatchAsync(grain);
            int before = devices[0].Works.Count;
            for (int turn = 0; turn < 3; turn++)
            {
                await grain.Send(Caller, "Hello!", $"m{turn}");
                await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2 * turn + 2);
            }
            Assert.Contains(devices[0].Works.Count - before, (int[])[0, 3]);
        }
        // Only the first work of each conversation had to make its slot anew.
        Assert.Equal(4, devices.Sum(d => d.Works.Count(w => w.Reset)));
        Assert.Equal(12, devices.Sum(d => d.Works.Count));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_device_that_fails_at_a_step_or_hangs_loses_only_its_own_work_which_goes_on_at_another_one(bool hangs)
    {
        ScriptedDevice[] devices = Devices(2, slots: 2);
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await KnowingAllAsync(first, second);
        var conversations = new[] { await StartReplyAsync(first, 12), await StartReplyAsync(first, 12) };
        Assert.Equal([1, 1], devices.Select(d => d.Works.Count));

        if (hangs)
            devices[0].IsStuck = true;
        else
            devices[0].FailRunning();
        await BegunAsync();
        devices[1].Permit(24);

        await AssertSameRepliesAsync(conversations, tokens: 12);
        Assert.Equal([1, 2], devices.Select(d => d.Works.Count));
    }

    [Fact]
    public async Task A_reply_in_line_moves_to_a_device_that_joins()
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
        Assert.Single(devices[0].Works);
        Assert.Single(devices[1].Works);
    }

    [Fact]
    public async Task A_reply_in_line_goes_to_the_very_slot_that_it_found_free()
    {
        ScriptedDevice[] devices = [.. Devices(2, slots: 2), .. Devices(1, slots: 1)];
        await using GrainsHost first = await GrainsHost.StartAsync(_data, devices[0]);
        await using GrainsHost second = await first.JoinAsync(devices[1]);
        await KnowingAllAsync(first, second);
        // All conversations live on the first silo; one waits in line there, another one at the second silo.
        RequestContext.Set(IPlacementDirector.PlacementHintKey, first.Address);
        for (int i = 0; i < 4; i++)
            await StartReplyAsync(first, 5);
        (IConversationGrain atFirst, RecordingObserver firstWatcher) = await WaitInLineAsync(first, 5);
        (_, RecordingObserver watcher) = await WaitInLineAsync(first, 5);
        RequestContext.Clear();
        await atFirst.Stop(Caller, 2);
        await firstWatcher.UntilAsync(EventKind.Finished);

        // The one free slot counts as taken once it is found, so that its silo is as full as the conversation's own.
        await using GrainsHost third = await first.JoinAsync(devices[2]);
        devices[2].Permit(5);

        await watcher.UntilAsync(EventKind.Finished);
        Assert.Single(watcher.Events, e => e.Kind == EventKind.Queued);
        Assert.Equal([2, 2, 1], devices.Select(d => d.Works.Count));
    }

    [Fact]
    public async Task A_place_in_line_whose_notice_was_lost_is_told_by_the_next_renewal()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, Devices(1, slots: 1)[0]);
        await StartReplyAsync(host, 5);
        (IConversationGrain waits, RecordingObserver first) = await WaitInLineAsync(host, 5);
        ConversationEvent told = await first.UntilAsync(EventKind.Queued);

        // The same subscription, by a reference of its own that has heard nothing yet.
        RecordingObserver renewed = await host.WatchAsync(waits);

        Assert.Equal(told, await renewed.UntilAsync(EventKind.Queued));
    }

    [Fact]
    public async Task A_work_that_nobody_reads_any_more_gives_way_at_once()
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
        // As when its silo is killed: it does not leave, it only never asks again. Orleans notices after 10 s and more.
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
    public async Task A_worker_s_key_with_a_device_that_the_silo_has_not_is_refused()
    {
        await using GrainsHost first = await GrainsHost.StartAsync(_data, new ScriptedDevice(1, Places));
        IWorkerGrain none = first.Grains.GetGrain<IWorkerGrain>(WorkerKey.Of(first.Address, "cuda:7"));
        Exception refused = await Assert.ThrowsAnyAsync<Exception>(() => none.GetStatus());
        Assert.True(refused.ToString().Contains("has no device 'cuda:7'", StringComparison.Ordinal), refused.ToString());
    }

    [Fact]
    public async Task An_orderly_stop_hands_replies_over_which_go_on_without_being_asked()
    {
        ScriptedDevice[] devices = Devices(2, slots: 8);
        await using GrainsHost stays = await GrainsHost.StartAsync(_data, devices[0]);
        GrainsHost leaves = await stays.JoinAsync(devices[1]);
        await KnowingAllAsync(stays, leaves);
        // Conversations of either silo, of which one decodes at its own silo's device and one at the other's.
        var conversations = new List<(IConversationGrain Grain, RecordingObserver Watcher)>();
        foreach (GrainsHost home in new[] { leaves, leaves, stays, stays })
        {
            RequestContext.Set(IPlacementDirector.PlacementHintKey, home.Address);
            conversations.Add(await StartReplyAsync(stays, 30));
            RequestContext.Clear();
        }
        Assert.Equal([2, 2], devices.Select(d => d.Works.Count));
        foreach (ScriptedDevice device in devices)
            device.Permit(8);
        await Task.WhenAll(conversations.Select(c => c.Watcher.UntilAsync(EventKind.Delta)));

        await leaves.DisposeAsync();
        // Those whose worker left, and the one whose home left; the fourth was not disturbed.
        for (int moved = 0; moved < 3; moved++)
            await BegunAsync();
        devices[0].Permit(200);

        await AssertSameRepliesAsync(conversations, tokens: 30);
        Assert.Equal((5, 2), (devices[0].Works.Count, devices[1].Works.Count));
        // The worker that stayed kept what the conversation had there.
        Assert.Single(devices[0].Works, w => w is { Reset: false, Snapshot: null });
    }

    /// <summary>The same message to the same model: whoever moved said nothing else.</summary>
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

    /// <summary>A reply that has its slot; it goes no further than its device is permitted.</summary>
    private async Task<(IConversationGrain Grain, RecordingObserver Watcher)> StartReplyAsync(GrainsHost host, int tokens)
    {
        IConversationGrain grain = await host.CreateAsync(Limited(tokens));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await BegunAsync();
        return (grain, watcher);
    }

    /// <summary>A reply that has no slot yet.</summary>
    private static async Task<(IConversationGrain Grain, RecordingObserver Watcher)> WaitInLineAsync(GrainsHost host, int tokens)
    {
        IConversationGrain grain = await host.CreateAsync(Limited(tokens));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Queued);
        return (grain, watcher);
    }

    /// <summary>Waits until one more work was begun at some device.</summary>
    private async Task BegunAsync() =>
        Assert.True(await _begun.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), "No work was begun.");

    /// <summary>Waits until every silo knows the devices of all.</summary>
    private static Task KnowingAllAsync(params GrainsHost[] hosts) =>
        Task.WhenAll(hosts.Select(h => h.KnowingDevicesOfAsync(hosts.Length)));
}
