using Streaming.Contracts.Conversations;
using Streaming.Grains.Tests.Hosting;

namespace Streaming.Grains.Tests.Workers;

/// <summary>More conversations than slots, through silo, log and worker.</summary>
public sealed class FairSlotsTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;
    private const int Slice = 8;

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-fair-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Another_guest_gets_its_first_token_within_a_slice_while_one_guest_talks_endlessly_in_all_slots()
    {
        using var begun = new SemaphoreSlim(0);
        var device = new ScriptedDevice(2, Places) { Stepping = true, Began = () => begun.Release() };
        await using GrainsHost host = await GrainsHost.StartAsync(_data, device, new ConversationOptions { SliceTokens = Slice });
        for (int i = 0; i < 3; i++)
        {
            IConversationGrain endless = await host.CreateAsync(Limited(0));
            RecordingObserver greedy = await host.WatchAsync(endless);
            await endless.Send(Caller, "Talk!", "m1");
            if (i < 2)
                Assert.True(await begun.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
            else
                Assert.Equal(1, (await greedy.UntilAsync(EventKind.Queued)).Place);
        }

        IConversationGrain grain = host.Grains.GetGrain<IConversationGrain>(ConversationId.New());
        await grain.Create("another-guest", Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send("another-guest", "Hello!", "m1");
        Assert.Equal(1, (await watcher.UntilAsync(EventKind.Queued)).Place); // before the endless one that waits

        // A prompt is longer than a slice here, so the first reply that takes a step gives its slot up.
        Assert.All(device.Jobs, job => Assert.InRange(job.Input.Sum(run => run.Ids.Length), Slice, Places));
        device.Permit(1);
        Assert.True(await begun.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        device.Permit(2); // one of them for the other endless reply, which has waited longer
        await watcher.UntilAsync(EventKind.Delta);
        device.Permit(4 * Slice);
        await watcher.UntilAsync(EventKind.Finished);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(0)] // Every snapshot goes to the store, and the reply asks again.
    public async Task Replies_that_share_slots_are_the_undisturbed_ones(int preemptedMegabytes)
    {
        string undisturbed = Assert.Single((await RepliesAsync(new ScriptedDevice(5, Places), new ConversationOptions())).Distinct());
        Assert.Equal(60, undisturbed.Length);

        var device = new ScriptedDevice(2, Places) { Stepping = true };
        var options = new ConversationOptions { SliceTokens = Slice, PreemptedMegabytes = preemptedMegabytes };
        string[] replies = await RepliesAsync(device, options);

        Assert.Equal(Enumerable.Repeat(undisturbed, 5), replies);
        Assert.InRange(device.Jobs.Count(job => job.AlreadyGenerated > 0), 10, 5 * (60 / Slice + 1));
        Assert.Equal(5, device.Jobs.Count(job => job.Reset)); // A reply is never rebuilt.
    }

    [Fact]
    public async Task A_reply_that_waits_to_go_on_can_be_stopped_and_its_conversation_goes_on()
    {
        var device = new ScriptedDevice(1, Places) { Stepping = true };
        await using GrainsHost host = await GrainsHost.StartAsync(_data, device, new ConversationOptions { SliceTokens = Slice });
        (IConversationGrain first, RecordingObserver watcher) = await TalkAsync(host, 0);
        device.Permit(1);
        await watcher.UntilAsync(EventKind.Delta);
        (IConversationGrain second, RecordingObserver other) = await TalkAsync(host, 0);
        await other.UntilAsync(EventKind.Queued);
        device.Permit(1);
        Assert.Equal(1, (await watcher.UntilAsync(EventKind.Queued)).Place);

        await first.Stop(Caller, null);
        Assert.Equal(FinishReason.Stopped, (await watcher.UntilAsync(EventKind.Finished)).FinishReason);
        await second.Stop(Caller, null);
        await other.UntilAsync(EventKind.Finished);
        device.Permit(1);
        await first.Configure(Caller, new ConversationChanges { Sampling = new Sampling { MaxTokens = 1 } });
        await first.Send(Caller, "Go on!", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);
    }

    [Fact]
    public async Task A_shutdown_in_the_middle_of_swaps_loses_nothing()
    {
        string undisturbed = (await RepliesAsync(new ScriptedDevice(5, Places), new ConversationOptions()))[0];
        var options = new ConversationOptions { SliceTokens = Slice };
        var ids = new List<string>();
        var device = new ScriptedDevice(2, Places) { Stepping = true };
        await using (GrainsHost host = await GrainsHost.StartAsync(_data, device, options))
        {
            var talks = new List<(IConversationGrain Grain, RecordingObserver Watcher)>();
            for (int i = 0; i < 5; i++)
                talks.Add(await TalkAsync(host, 60));
            ids.AddRange(talks.Select(talk => talk.Grain.GetPrimaryKeyString()));
            device.Permit(100);
            await Task.WhenAll(talks.Select(talk => talk.Watcher.UntilAsync(EventKind.Delta)));
        }
        await using GrainsHost next = await GrainsHost.StartAsync(_data, new ScriptedDevice(2, Places), options);
        foreach (string id in ids)
        {
            IConversationGrain grain = next.Grains.GetGrain<IConversationGrain>(id);
            RecordingObserver watcher = await next.WatchAsync(grain);
            if ((await grain.Get(Caller)).Running is not null)
                await watcher.UntilAsync(EventKind.Finished);
            Assert.Equal(undisturbed, (await grain.ReadTurns(Caller, null, null)).Items[1].Text);
        }
    }

    /// <summary>Five conversations with the same message: the texts of their replies.</summary>
    private async Task<string[]> RepliesAsync(ScriptedDevice device, ConversationOptions options)
    {
        string data = Directory.CreateDirectory(Path.Combine(_data, Guid.NewGuid().ToString("N"))).FullName;
        await using GrainsHost host = await GrainsHost.StartAsync(data, device, options);
        var talks = new List<(IConversationGrain Grain, RecordingObserver Watcher)>();
        for (int i = 0; i < 5; i++)
        {
            talks.Add(await TalkAsync(host, 60));
            if (i >= device.Slots)
                await talks[i].Watcher.UntilAsync(EventKind.Queued);
        }
        device.Permit(5 * 60);
        var texts = new List<string>();
        foreach ((IConversationGrain grain, RecordingObserver watcher) in talks)
        {
            Assert.Equal(60, (await watcher.UntilAsync(EventKind.Finished)).GeneratedTokens);
            texts.Add((await grain.ReadTurns(Caller, null, null)).Items[1].Text);
        }
        return [.. texts];
    }

    private static NewConversation Limited(int tokens) => new() { Sampling = new Sampling { MaxTokens = tokens } };

    private static async Task<(IConversationGrain Grain, RecordingObserver Watcher)> TalkAsync(GrainsHost host, int tokens)
    {
        IConversationGrain grain = await host.CreateAsync(Limited(tokens));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Talk!", "m1");
        return (grain, watcher);
    }
}
