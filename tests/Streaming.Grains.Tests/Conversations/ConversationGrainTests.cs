using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Persistence;
using Streaming.Grains.Tests.Hosting;
using Streaming.Inference.Batching;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests.Conversations;

public sealed class ConversationGrainTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-grains-").FullName;
    private readonly ScriptedDevice _device = new(slots: 2, capacity: Places);

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task A_reply_is_numbered_stored_and_shown_without_a_gap()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(10));
        RecordingObserver watcher = await host.WatchAsync(grain);
        Assert.Equal(new Sent(1, 1), await grain.Send(Caller, "Hello!", "m1"));
        ConversationEvent finished = await watcher.UntilAsync(EventKind.Finished);

        // message 1, started 2, ten tokens 3..12, finished 13
        Assert.Equal(13, finished.Seq);
        Assert.Equal(FinishReason.Length, finished.FinishReason);
        Assert.Equal(10, finished.GeneratedTokens);
        long last = 0;
        foreach (ConversationEvent e in watcher.Events.Where(e => e.Seq is not null))
        {
            Assert.Equal(last + 1, e.FirstSeq());
            last = e.Seq!.Value;
        }
        TurnPage page = await grain.ReadTurns(Caller, null, null);
        Assert.Equal([1, 2], page.Items.Select(i => i.Turn));
        Assert.Equal("Hello!", page.Items[0].Text);
        Assert.Equal(watcher.TextOf(2), page.Items[1].Text);
        Assert.Equal(10, page.Items[1].Text.Length);
        Assert.Equal(13, page.Items[1].Seq);
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task A_second_turn_prefills_only_new_tokens_in_the_same_slot()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);
        long position = (await grain.Get(Caller)).Position;
        await grain.Send(Caller, "And you?", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);

        DecodeJob[] jobs = [.. _device.Jobs];
        Assert.Equal(2, jobs.Length);
        Assert.True(jobs[0].Reset);
        Assert.False(jobs[1].Reset);
        TokenRun run = Assert.Single(jobs[1].Input);
        Assert.Equal(position - 1, run.Position); // The last sampled token was pending.
    }

    [Fact]
    public async Task The_slot_is_rebuilt_from_the_log_after_an_eviction()
    {
        var lone = new ScriptedDevice(slots: 1, capacity: Places);
        string undisturbed = await TwoTurnsAsync(lone, between: null);
        string data = Directory.CreateTempSubdirectory("streaming-grains-").FullName;
        var shared = new ScriptedDevice(slots: 1, capacity: Places);
        string disturbed = await TwoTurnsAsync(
            shared,
            data,
            async host =>
            {
                IConversationGrain other = await host.CreateAsync(Limited(3));
                RecordingObserver watcher = await host.WatchAsync(other);
                await other.Send(Caller, "Me too!", "m1");
                await watcher.UntilAsync(EventKind.Finished);
            }
        );
        Directory.Delete(data, recursive: true);
        Assert.Equal(undisturbed, disturbed);
        Assert.True(shared.Jobs.Last().Reset);
        Assert.False(lone.Jobs.Last().Reset);
    }

    [Fact]
    public async Task The_same_clientMessageId_stores_a_message_once_and_refuses_another_text()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        Sent first = await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished);
        Assert.Equal(first, await grain.Send(Caller, "Hello!", "m1"));
        RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(() => grain.Send(Caller, "Goodbye!", "m1"));
        Assert.Equal(Refusal.Conflict, refused.Refusal);
        Assert.Equal(2, (await grain.ReadTurns(Caller, null, null)).Items.Count);
    }

    [Fact]
    public async Task Messages_sent_during_a_reply_wait_and_get_one_reply()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(4));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "One.", "m1");
        await watcher.UntilAsync(EventKind.Started);
        Assert.Equal(3, (await grain.Send(Caller, "Two.", "m2")).Turn);
        Assert.Equal(4, (await grain.Send(Caller, "Three.", "m3")).Turn);
        _device.Permit(8);
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 5);
        Assert.Equal([2, 5], watcher.Events.Where(e => e.Kind == EventKind.Started).Select(e => e.Turn));
        Assert.Equal(2, _device.Jobs.Count);
        Assert.Null((await grain.Get(Caller)).Running);
    }

    [Fact]
    public async Task A_message_ends_an_endless_reply()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(0));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Tell me a story.", "m1");
        _device.Permit(3);
        await watcher.UntilAsync(EventKind.Delta);
        await grain.Send(Caller, "Enough!", "m2");
        Assert.Equal(FinishReason.Interrupted, (await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2)).FinishReason);
        await watcher.UntilAsync(EventKind.Started, e => e.Turn == 4);
    }

    [Fact]
    public async Task Stop_keeps_the_text_and_ends_only_the_turn_that_it_names()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(0));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        _device.Permit(5);
        await watcher.UntilAsync(EventKind.Delta);
        await grain.Stop(Caller, 1);
        Assert.NotNull((await grain.Get(Caller)).Running);
        await grain.Stop(Caller, 2);
        ConversationEvent finished = await watcher.UntilAsync(EventKind.Finished);
        Assert.Equal(FinishReason.Stopped, finished.FinishReason);
        Assert.Equal(finished.GeneratedTokens, watcher.TextOf(2).Length);
        Assert.Equal(watcher.TextOf(2), (await grain.ReadTurns(Caller, null, null)).Items[^1].Text);
    }

    [Fact]
    public async Task A_stop_ends_one_reply_and_none_after_it()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(40));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        _device.Permit(5);
        await watcher.UntilAsync(EventKind.Delta);
        await grain.Stop(Caller, null);
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);

        _device.Permit(100);
        await grain.Send(Caller, "Again!", "m2");
        ConversationEvent second = await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);
        Assert.Equal((FinishReason.Length, 40L), (second.FinishReason, second.GeneratedTokens));
    }

    [Fact]
    public async Task A_message_interrupts_one_endless_reply_and_not_its_own()
    {
        _device.Stepping = true;
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(0));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Tell me a story.", "m1");
        _device.Permit(5);
        await watcher.UntilAsync(EventKind.Delta);
        await grain.Send(Caller, "Another one!", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);

        _device.Permit(100);
        await watcher.UntilAsync(EventKind.Delta, e => e.Turn == 4 && watcher.TextOf(4).Length >= 60);
        Assert.Equal(4, (await grain.Get(Caller)).Running);
    }

    [Fact]
    public async Task Queues_and_reports_its_place_when_all_slots_are_busy()
    {
        _device.Stepping = true;
        using var begun = new SemaphoreSlim(0);
        _device.Began = () => begun.Release();
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        var conversations = new List<(IConversationGrain Grain, RecordingObserver Watcher)>();
        for (int i = 0; i < 4; i++)
        {
            IConversationGrain grain = await host.CreateAsync(Limited(0));
            conversations.Add((grain, await host.WatchAsync(grain)));
            await grain.Send(Caller, "Hello!", "m1");
            if (i < 2)
                Assert.True(await begun.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), "No decode job began.");
            else
                Assert.Equal(i - 1, (await conversations[i].Watcher.UntilAsync(EventKind.Queued)).Place);
        }
        // A gateway that subscribes later gets the place too, though nothing has changed.
        var late = new RecordingObserver();
        await conversations[3].Grain.Subscribe("a-later-gateway", host.Grains.CreateObjectReference<IConversationObserver>(late));
        Assert.Equal(2, (await late.UntilAsync(EventKind.Queued)).Place);

        // One waiting reply is stopped and one running reply ends: the last one gets its slot.
        await conversations[2].Grain.Stop(Caller, null);
        Assert.Equal(FinishReason.Stopped, (await conversations[2].Watcher.UntilAsync(EventKind.Finished)).FinishReason);
        await conversations[3].Watcher.UntilAsync(EventKind.Queued, e => e.Place == 1);
        await conversations[0].Grain.Stop(Caller, null);
        await conversations[0].Watcher.UntilAsync(EventKind.Finished);
        _device.Permit(8);
        await conversations[3].Watcher.UntilAsync(EventKind.Delta);
    }

    [Fact]
    public async Task A_reply_survives_one_failure_of_its_device_and_fails_after_three_resumptions()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        _device.FailNext(1);
        await grain.Send(Caller, "Hello!", "m1");
        Assert.Equal(FinishReason.Length, (await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2)).FinishReason);

        _device.FailNext(100);
        await grain.Send(Caller, "Again!", "m2");
        Assert.Equal(FinishReason.Failed, (await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4)).FinishReason);
        Assert.Equal(1 + 1 + 1 + 3, _device.Jobs.Count); // The first and its resumption; the second and its three resumptions.
        Assert.Single(watcher.Events, e => e.Kind == EventKind.Notice);
        _device.FailNext(0);
        await grain.Send(Caller, "Once more!", "m3");
        Assert.Equal(FinishReason.Length, (await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 6)).FinishReason);
    }

    [Fact]
    public async Task After_a_restart_a_reply_continues_with_the_same_tokens()
    {
        string undisturbed;
        await using (GrainsHost host = await GrainsHost.StartAsync(_data, _device))
        {
            IConversationGrain grain = await host.CreateAsync(Limited(100));
            RecordingObserver watcher = await host.WatchAsync(grain);
            await grain.Send(Caller, "Hello!", "m1");
            await watcher.UntilAsync(EventKind.Finished);
            undisturbed = watcher.TextOf(2);
        }

        var stepping = new ScriptedDevice(slots: 1, capacity: Places) { Stepping = true };
        string id;
        await using (GrainsHost host = await GrainsHost.StartAsync(_data, stepping, new ConversationOptions { SnapshotTokens = 0 }))
        {
            IConversationGrain grain = await host.CreateAsync(Limited(100));
            id = grain.GetPrimaryKeyString();
            RecordingObserver watcher = await host.WatchAsync(grain);
            await grain.Send(Caller, "Hello!", "m1");
            stepping.Permit(83);
            await watcher.UntilAsync(EventKind.Delta, e => e.Seq >= 80);
        }

        var fresh = new ScriptedDevice(slots: 1, capacity: Places);
        await using (GrainsHost host = await GrainsHost.StartAsync(_data, fresh, new ConversationOptions { SnapshotTokens = 0 }))
        {
            IConversationGrain grain = host.Grains.GetGrain<IConversationGrain>(id);
            RecordingObserver watcher = await host.WatchAsync(grain);
            while ((await grain.Get(Caller)).Running is not null)
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            Assert.Equal(undisturbed, (await grain.ReadTurns(Caller, null, null)).Items[^1].Text);
            Assert.True(Assert.Single(fresh.Jobs).Reset);
            CacheView cache = await grain.InspectCache(Caller);
            Assert.Equal(
                await host.Log.ReadIdsAsync(id, 0, cache.Position - 60, cache.Position, TestContext.Current.CancellationToken),
                cache.WindowIds
            );
            Assert.Equal(await host.Log.ReadIdsAsync(id, 0, 0, 4, TestContext.Current.CancellationToken), cache.FixedIds);
        }
    }

    [Fact]
    public async Task Conversations_of_others_do_not_exist_for_a_caller()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain mine = await host.CreateAsync(Limited(3));
        IConversationGrain unknown = host.Grains.GetGrain<IConversationGrain>(ConversationId.New());
        const string stranger = "guest-stranger";
        foreach (IConversationGrain grain in (IConversationGrain[])[mine, unknown])
        {
            foreach (
                Func<Task> call in (Func<Task>[])
                    [
                        () => grain.Get(stranger),
                        () => grain.Send(stranger, "Hello!", "m"),
                        () => grain.Stop(stranger, null),
                        () => grain.Delete(stranger),
                        () => grain.Configure(stranger, new ConversationChanges()),
                        () => grain.ReadEvents(stranger, 0),
                        () => grain.ReadTurns(stranger, null, null),
                        () => grain.InspectCache(stranger),
                    ]
            )
            {
                RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(call);
                Assert.Equal((Refusal.NotFound, RequestRefusedException.NoSuchConversation().Message), (refused.Refusal, refused.Message));
            }
        }
        Assert.Empty((await host.Grains.GetGrain<IDirectoryGrain>(stranger).List(null, null)).Items);
        Assert.Single((await host.Grains.GetGrain<IDirectoryGrain>(Caller).List(null, null)).Items);
    }

    [Fact]
    public async Task A_deleted_conversation_is_gone_at_once_and_erased_later()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(
            _data,
            _device,
            new ConversationOptions { ErasureDelay = TimeSpan.Zero, SweepInterval = TimeSpan.FromMilliseconds(50) }
        );
        _device.Stepping = true;
        IConversationGrain grain = await host.CreateAsync(Limited(0));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Started);
        await grain.Delete(Caller);
        await watcher.UntilAsync(EventKind.Deleted);
        await Assert.ThrowsAsync<RequestRefusedException>(() => grain.Get(Caller));
        Assert.Empty((await host.Grains.GetGrain<IDirectoryGrain>(Caller).List(null, null)).Items);
        while (await host.Log.ReadHeadAsync(grain.GetPrimaryKeyString(), TestContext.Current.CancellationToken) is not null)
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
    }

    [Fact]
    public async Task A_message_of_a_mebibyte_is_stored_rendered_and_read_back_in_pieces()
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        string book = string.Concat(Enumerable.Repeat("It was the best of times. ", 1 << 16))[..Limits.MessageBytes];
        await grain.Send(Caller, book, "m1");
        await watcher.UntilAsync(EventKind.Finished);
        TurnPage page = await grain.ReadTurns(Caller, null, null);
        Assert.Equal(book, string.Concat(page.Items.Where(i => i.Turn == 1).Select(i => i.Text)));
        Assert.All(page.Items, i => Assert.InRange(i.Text.Length, 0, Limits.PieceLength));
        // Only the fixed part and the rebuild length were prefilled.
        Assert.Equal(Places, _device.Jobs.Single().Input.Sum(r => r.Ids.Length));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_message_that_another_activation_stored_is_answered_when_it_is_sent_again_or_swept(bool isSentAgain)
    {
        await using GrainsHost host = await GrainsHost.StartAsync(_data, _device);
        IConversationGrain grain = await host.CreateAsync(Limited(3));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);
        string id = (await grain.Get(Caller)).Id;
        long seq = (await grain.Get(Caller)).LastSeq + 1;

        // As a frozen silo that was declared dead may do: the sender got no answer.
        var other = new ConversationWriter(
            host.Log,
            (await host.Log.ReadHeadAsync(id, TestContext.Current.CancellationToken))!,
            TimeProvider.System
        );
        await other.AppendAsync(
            (_, session) =>
                new Draft(session with { Waiting = session.Waiting.Add(seq) })
                {
                    Events =
                    [
                        new LogEvent
                        {
                            First = seq,
                            Last = seq,
                            Kind = EventKind.Message,
                            Turn = 3,
                            Author = Caller,
                            Text = "And you?",
                            At = DateTimeOffset.UtcNow,
                        },
                    ],
                    LastTurn = 3,
                    Receipt = new MessageReceipt(Hash("m2"), Hash("And you?"), 3, seq),
                }
        );
        Assert.Equal(seq - 1, (await grain.Get(Caller)).LastSeq);

        if (isSentAgain)
            Assert.Equal(new Sent(3, seq), await grain.Send(Caller, "And you?", "m2"));
        else
            await grain.Resume();

        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);
        Assert.Equal(
            ["Hello!", "And you?"],
            (await grain.ReadTurns(Caller, null, null)).Items.Where(t => t.Turn % 2 == 1).Select(t => t.Text)
        );

        static string Hash(string text) =>
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    private static NewConversation Limited(long maxTokens) => new() { Sampling = new Sampling { MaxTokens = maxTokens } };

    private Task<string> TwoTurnsAsync(ScriptedDevice device, Func<GrainsHost, Task>? between) => TwoTurnsAsync(device, _data, between);

    private static async Task<string> TwoTurnsAsync(ScriptedDevice device, string data, Func<GrainsHost, Task>? between)
    {
        var fromLogAlone = new ConversationOptions { SnapshotTokens = 0 };
        await using GrainsHost host = await GrainsHost.StartAsync(data, device, fromLogAlone);
        IConversationGrain grain = await host.CreateAsync(Limited(90));
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 2);
        if (between is not null)
            await between(host);
        await grain.Send(Caller, "And then?", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);
        return watcher.TextOf(2) + watcher.TextOf(4);
    }
}
