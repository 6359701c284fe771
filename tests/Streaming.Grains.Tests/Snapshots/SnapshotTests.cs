using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Maintenance;
using Streaming.Grains.Snapshots;
using Streaming.Grains.Tests.Hosting;
using Streaming.Inference.Batching;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Tests.Snapshots;

/// <summary>Conversations continue from snapshots, and only from correct ones.</summary>
public sealed class SnapshotTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Places = 64;
    private static readonly ConversationOptions s_options = new() { GroupTokens = 4, SnapshotTokens = 10 };

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-snapshots-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task After_a_restart_the_next_turn_continues_from_the_last_snapshot()
    {
        string id = await FirstTurnAsync();
        var device = new ScriptedDevice(slots: 2, Places);
        await using GrainsHost host = await StartAsync(device);
        long position = (await Grain(host, id).Get(Caller)).Position;
        string text = await SecondTurnAsync(host, id);

        DecodeJob job = Assert.Single(device.Jobs);
        Assert.Equal(position - 1, job.Snapshot?.Position); // the last token is pending
        Assert.Equal(position - 1, job.Input[0].Position);
        Assert.Equal(await UndisturbedAsync(), text);
    }

    [Fact]
    public async Task A_reply_that_lost_its_process_continues_from_the_snapshot_in_its_middle()
    {
        const int Shown = 35;
        var first = new ScriptedDevice(slots: 2, Places) { Stepping = true };
        string id;
        await using (GrainsHost host = await StartAsync(first))
        {
            IConversationGrain grain = await CreateAsync(host, maxTokens: 80);
            id = grain.GetPrimaryKeyString();
            RecordingObserver watcher = await host.WatchAsync(grain);
            first.Permit(Shown);
            await grain.Send(Caller, "Hello!", "m1");
            await watcher.UntilAsync(EventKind.Delta, e => e.Seq == 2 + Shown);
        }

        var second = new ScriptedDevice(slots: 2, Places);
        await using GrainsHost again = await StartAsync(second);
        RecordingObserver rest = await again.WatchAsync(Grain(again, id));
        await rest.UntilAsync(EventKind.Finished);
        DecodeJob job = second.Jobs.First();
        Assert.NotNull(job.Snapshot);
        Assert.InRange(job.Input.Sum(run => run.Ids.Length), 1, s_options.SnapshotTokens);
        Assert.False(job.Reset);

        await using GrainsHost undisturbed = await StartAsync(new ScriptedDevice(slots: 2, Places), "undisturbed");
        IConversationGrain other = await CreateAsync(undisturbed, maxTokens: 80);
        RecordingObserver whole = await undisturbed.WatchAsync(other);
        await other.Send(Caller, "Hello!", "m1");
        await whole.UntilAsync(EventKind.Finished);
        Assert.Equal(whole.TextOf(2), await TextAsync(Grain(again, id), 2));
    }

    [Fact]
    public async Task A_damaged_snapshot_is_refused_and_removed_and_the_reply_is_right()
    {
        string id = await FirstTurnAsync();
        string file = Assert.Single(Files());
        await File.WriteAllTextAsync(file, "{ \"Branch\": 0, ", Token);
        await AssertRebuiltAsync(id);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task A_snapshot_of_another_stream_is_refused_though_everything_else_fits()
    {
        string id = await FirstTurnAsync();
        string file = Assert.Single(Files());
        using ScriptedSnapshot snapshot = await ReadAsync(file);
        await File.WriteAllBytesAsync(
            file,
            new ScriptedSnapshot(snapshot.Content with { Hash = snapshot.Content.Hash + 1 }).Bytes(),
            Token
        );
        await AssertRebuiltAsync(id);
    }

    [Fact]
    public async Task A_snapshot_of_another_layout_is_refused()
    {
        string id = await FirstTurnAsync();
        string file = Assert.Single(Files());
        using ScriptedSnapshot snapshot = await ReadAsync(file);
        await File.WriteAllBytesAsync(file, new ScriptedSnapshot(snapshot.Content with { Fixed = 5, Window = 59 }).Bytes(), Token);
        await AssertRebuiltAsync(id);
    }

    [Fact]
    public async Task Snapshots_ahead_of_the_log_and_of_other_branches_are_skipped()
    {
        string id = await FirstTurnAsync();
        var device = new ScriptedDevice(slots: 2, Places);
        await using GrainsHost host = await StartAsync(device);
        SnapshotName good = Assert.Single(await host.Snapshots.ListAsync(id, Token));
        byte[] bytes = await File.ReadAllBytesAsync(Assert.Single(Files()), Token);
        // The good one is written again last, so that no newer one removes it before it is used.
        foreach (SnapshotName wrong in (SnapshotName[])[good with { Branch = 1 }, good with { Position = good.Position + 1000 }])
        {
            await host.Snapshots.WriteAsync(
                wrong,
                3,
                async (to, cancellation) => await to.WriteAsync(new byte[] { 1, 2, 3 }, cancellation),
                _ => Task.FromResult(true),
                Token
            );
            await host.Snapshots.WriteAsync(
                good,
                bytes.Length,
                async (to, cancellation) => await to.WriteAsync(bytes, cancellation),
                _ => Task.FromResult(true),
                Token
            );
        }
        Assert.Equal(good, (await host.Snapshots.ListAsync(id, Token))[^1]);
        string text = await SecondTurnAsync(host, id);
        Assert.Equal(good.Position, device.Jobs.Single().Snapshot?.Position);
        Assert.Equal(await UndisturbedAsync(), text);
    }

    [Fact]
    public async Task Switched_off_no_snapshot_is_taken_or_used()
    {
        string id = await FirstTurnAsync();
        Assert.Single(Files());
        var device = new ScriptedDevice(slots: 2, Places);
        await using (
            GrainsHost host = await GrainsHost.StartAsync(_data, device, new ConversationOptions { GroupTokens = 4, SnapshotTokens = 0 })
        )
            Assert.Equal(await UndisturbedAsync(), await SecondTurnAsync(host, id));
        Assert.Null(device.Jobs.Single().Snapshot);
        Assert.Single(Files()); // the first turn's, still
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, "After the snapshot at position {0}, {1} tokens would be prefilled; a rebuild needs {2}.")]
    public async Task A_snapshot_is_used_unless_a_rebuild_prefills_fewer_tokens(int more, string? reason)
    {
        string id = await FirstTurnAsync();
        var device = new ScriptedDevice(slots: 2, Places);
        await using GrainsHost host = await StartAsync(device);
        using ScriptedSnapshot snapshot = await ReadAsync(Assert.Single(Files()));
        const int Window = Places - 4;
        int longest = device.RebuildLength(Window);
        // The log ends with one token after the snapshot; the feed has the others.
        int[] last = await host.Log.ReadIdsAsync(id, 0, snapshot.Position, snapshot.Position + 1, Token);
        int[] feed = [.. last, .. Enumerable.Repeat(7, longest - 1 + more)];
        var request = new DecodeRequest
        {
            ConversationId = id,
            Fixed = 4,
            Window = Window,
            From = snapshot.Position,
            Feed = feed,
            Sampling = new Sampling(),
            StreamHash = snapshot.Hash.Append(feed).Value,
        };

        (ISlotSnapshot? found, _, string why) = await host.Services.GetRequiredService<SlotRestore>().FindAsync(request, device, Token);

        using ISlotSnapshot? used = found;
        Assert.Equal(reason is null ? snapshot.Position : null, used?.Position);
        string expected = string.Format(CultureInfo.InvariantCulture, reason ?? "", snapshot.Position, feed.Length, longest);
        Assert.Equal(expected, why);
    }

    [Fact]
    public async Task An_erased_conversation_leaves_no_snapshot()
    {
        string id = await FirstTurnAsync();
        await using GrainsHost host = await StartAsync(new ScriptedDevice(slots: 2, Places));
        Assert.Single(await host.Snapshots.ListAsync(id, Token));
        await Grain(host, id).Delete(Caller);
        await host.Grains.GetGrain<IConversationMaintenanceGrain>(id).Erase();
        Assert.Empty(await host.Snapshots.ListAsync(id, Token));
        Assert.Empty(Files());
        Assert.Null(await host.Log.ReadHeadAsync(id, Token));
    }

    [Fact]
    public async Task A_snapshot_is_published_once_the_log_holds_its_stream_and_the_token_after_it()
    {
        string id = await FirstTurnAsync();
        await using GrainsHost host = await StartAsync(new ScriptedDevice(slots: 2, Places));
        using ScriptedSnapshot good = await ReadAsync(Assert.Single(Files()));
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.Zero };
        var verifier = new SnapshotVerifier(host.Log, time);
        Assert.True(await verifier.IsInLogAsync(id, good, Token));
        Assert.False(await verifier.IsInLogAsync(id, With(good.Content with { Hash = good.Content.Hash + 1 }), Token));
        Assert.False(await verifier.IsInLogAsync(id, With(good.Content with { Branch = 1 }), Token));
        Assert.False(await verifier.IsInLogAsync("nobody", good, Token));

        // Ahead of the log: it waits until its timeout.
        LogHead head = (await host.Log.ReadHeadAsync(id, Token))!;
        int last = (await host.Log.ReadIdsAsync(id, head.Branch, head.Position - 1, head.Position, Token))[0];
        ScriptedSnapshot ahead = With(good.Content with { Position = head.Position, Hash = good.Hash.Append([last]).Value });
        Task<bool> waiting = verifier.IsInLogAsync(id, ahead, Token);
        for (int turn = 0; turn < 100_000 && !waiting.IsCompleted; turn++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
        Assert.False(await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token));

        // Another turn appends what it waits for.
        waiting = verifier.IsInLogAsync(id, ahead, Token);
        Assert.False(waiting.IsCompletedSuccessfully && await waiting);
        await SecondTurnAsync(host, id);
        for (int turn = 0; turn < 100_000 && !waiting.IsCompleted; turn++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }
        Assert.True(await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token));
    }

    private IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Path.Combine(_data, "snapshots"), "*.snapshot", SearchOption.AllDirectories);

    private async Task<string> FirstTurnAsync(string folder = "")
    {
        await using GrainsHost host = await StartAsync(new ScriptedDevice(slots: 2, Places), folder);
        IConversationGrain grain = await CreateAsync(host, maxTokens: 7);
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished);
        return grain.GetPrimaryKeyString();
    }

    private static async Task<string> SecondTurnAsync(GrainsHost host, string id)
    {
        RecordingObserver watcher = await host.WatchAsync(Grain(host, id));
        await Grain(host, id).Send(Caller, "And you?", "m2");
        await watcher.UntilAsync(EventKind.Finished, e => e.Turn == 4);
        return watcher.TextOf(4);
    }

    /// <summary>The text of the second turn in a host that was never stopped.</summary>
    private async Task<string> UndisturbedAsync()
    {
        await using GrainsHost host = await StartAsync(new ScriptedDevice(slots: 2, Places), "undisturbed");
        IConversationGrain grain = await CreateAsync(host, maxTokens: 7);
        RecordingObserver watcher = await host.WatchAsync(grain);
        await grain.Send(Caller, "Hello!", "m1");
        await watcher.UntilAsync(EventKind.Finished);
        return await SecondTurnAsync(host, grain.GetPrimaryKeyString());
    }

    private async Task AssertRebuiltAsync(string id)
    {
        var device = new ScriptedDevice(slots: 2, Places);
        await using GrainsHost host = await StartAsync(device);
        string text = await SecondTurnAsync(host, id);
        DecodeJob job = device.Jobs.Single();
        Assert.Null(job.Snapshot);
        Assert.True(job.Reset);
        Assert.Equal(await UndisturbedAsync(), text);
    }

    private Task<GrainsHost> StartAsync(ScriptedDevice device, string folder = "") =>
        GrainsHost.StartAsync(Path.Combine(_data, folder), device, s_options);

    private static IConversationGrain Grain(GrainsHost host, string id) => host.Grains.GetGrain<IConversationGrain>(id);

    private static Task<IConversationGrain> CreateAsync(GrainsHost host, int maxTokens) =>
        host.CreateAsync(new NewConversation { Sampling = new Sampling { MaxTokens = maxTokens } });

    private static async Task<string> TextAsync(IConversationGrain grain, int turn) =>
        string.Concat((await grain.ReadTurns(Caller, null, null)).Items.Where(i => i.Turn == turn).Select(i => i.Text));

    private static ScriptedSnapshot With(ScriptedSnapshot.Parts content) => new(content);

    private static async Task<ScriptedSnapshot> ReadAsync(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return await ScriptedSnapshot.ReadAsync(stream, Token);
    }
}
