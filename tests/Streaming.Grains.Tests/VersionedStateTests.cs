using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Identity;
using Streaming.Grains.Conversations;
using Streaming.Grains.Identity;
using Streaming.Grains.Tests.Hosting;
using Streaming.Storage.Log;

namespace Streaming.Grains.Tests;

/// <summary>Grain state that a newer version wrote is read but not overwritten.</summary>
public sealed class VersionedStateTests : IDisposable
{
    private const string Caller = GrainsHost.Caller;
    private const int Newer = StoreVersion.Current + 1;

    private readonly string _data = Directory.CreateTempSubdirectory("streaming-versions-").FullName;

    private static string Sentence =>
        $"The stored data needs version {Newer} of the store, and this silo writes version {StoreVersion.Current}: upgrade the silo.";

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task A_conversation_that_a_newer_version_wrote_can_be_read_but_not_changed()
    {
        string id;
        await using (GrainsHost host = await StartAsync())
            id = (await host.CreateAsync(new NewConversation { Title = "Old" })).GetPrimaryKeyString();

        await using GrainsHost older = await StartAsync();
        IConversationGrain grain = older.Grains.GetGrain<IConversationGrain>(id);
        await RaiseVersionAsync<ConversationState>(older, "conversation", grain.GetGrainId(), state => state.RequiredVersion = Newer);

        Assert.Equal("Old", (await grain.Get(Caller)).Title);
        await AssertRefusedAsync(() => grain.Configure(Caller, new ConversationChanges { Title = "New" }));
        await AssertRefusedAsync(() => grain.Send(Caller, "Hello!", "m1"));
        Conversation unchanged = await grain.Get(Caller);
        Assert.Equal(("Old", 0), (unchanged.Title, unchanged.LastSeq));
    }

    [Fact]
    public async Task A_conversation_whose_log_a_newer_version_extended_says_so_when_it_is_written_or_deleted()
    {
        await using GrainsHost older = await StartAsync();
        IConversationGrain grain = await older.CreateAsync(new NewConversation { Title = "Old" });
        LogHead head = await older.Log.OpenForWritingAsync(grain.GetPrimaryKeyString(), "newer", TestContext.Current.CancellationToken);
        await older.Log.AppendAsync(
            head.Id,
            new LogAppend
            {
                Epoch = head.Epoch,
                ExpectedLastSeq = 0,
                Events =
                [
                    new LogEvent
                    {
                        First = 1,
                        Last = 1,
                        Kind = EventKind.Notice,
                        Turn = 0,
                        Text = "From a newer version.",
                        At = DateTimeOffset.UtcNow,
                    },
                ],
                LastTurn = 0,
                Running = false,
                State = head.State,
                RequiredVersion = Newer,
            },
            TestContext.Current.CancellationToken
        );

        await AssertRefusedAsync(() => grain.Send(Caller, "Hello!", "m1"));
        await AssertRefusedAsync(() => grain.Delete(Caller));
        Assert.Equal("Old", (await grain.Get(Caller)).Title);
    }

    [Theory]
    [InlineData(StoreVersion.Current, 2), InlineData(Newer, 1)]
    public async Task A_reply_that_runs_is_resumed_unless_a_newer_version_wrote_the_state(int version, int jobs)
    {
        string id;
        await using (GrainsHost newer = await GrainsHost.StartAsync(_data, new ScriptedDevice(2, 64) { Stepping = true }))
        {
            IConversationGrain endless = await newer.CreateAsync(new NewConversation { Sampling = new Sampling { MaxTokens = 0 } });
            id = endless.GetPrimaryKeyString();
            RecordingObserver watcher = await newer.WatchAsync(endless);
            await endless.Send(Caller, "Hello!", "m1");
            await watcher.UntilAsync(EventKind.Started);
            await RaiseVersionAsync<ConversationState>(
                newer,
                "conversation",
                endless.GetGrainId(),
                state => state.RequiredVersion = version
            );
        }

        using var begun = new SemaphoreSlim(0);
        var device = new ScriptedDevice(2, 64) { Began = () => begun.Release() };
        await using GrainsHost older = await GrainsHost.StartAsync(_data, device);
        await older.WatchAsync(older.Grains.GetGrain<IConversationGrain>(id));
        if (jobs == 2)
            Assert.True(await begun.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken), "It was not resumed.");

        // The silo works: another conversation gets its reply.
        IConversationGrain another = await older.CreateAsync(new NewConversation { Sampling = new Sampling { MaxTokens = 2 } });
        RecordingObserver other = await older.WatchAsync(another);
        await another.Send(Caller, "Hello!", "m1");
        await other.UntilAsync(EventKind.Finished);
        Assert.Equal(jobs, device.Jobs.Count);
        Assert.NotNull((await older.Grains.GetGrain<IConversationGrain>(id).Get(Caller)).Running);
    }

    [Fact]
    public async Task A_key_ring_that_a_newer_version_wrote_can_be_read_but_not_extended()
    {
        await using GrainsHost older = await StartAsync();
        IKeyRingGrain ring = older.Grains.GetGrain<IKeyRingGrain>("gateway");
        await RaiseVersionAsync<KeyRing>(
            older,
            "key-ring",
            ring.GetGrainId(),
            state => (state.RequiredVersion, state.Elements) = (Newer, ["<key/>"])
        );

        await AssertRefusedAsync(() => ring.Add("<another/>"));
        Assert.Equal(["<key/>"], await ring.Read());
    }

    private Task<GrainsHost> StartAsync() => GrainsHost.StartAsync(_data, new ScriptedDevice(1, 64));

    /// <summary>Changes stored state before its grain reads it, as a newer silo would have written it.</summary>
    private static async Task RaiseVersionAsync<T>(GrainsHost host, string name, GrainId id, Action<T> change)
        where T : new()
    {
        IGrainStorage storage = host.Services.GetRequiredKeyedService<IGrainStorage>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME);
        var state = new GrainState<T>(new T());
        await storage.ReadStateAsync(name, id, state);
        change(state.State!);
        await storage.WriteStateAsync(name, id, state);
    }

    private static async Task AssertRefusedAsync(Func<Task> call)
    {
        RequestRefusedException refused = await Assert.ThrowsAsync<RequestRefusedException>(call);
        Assert.Equal((Refusal.Unavailable, Sentence), (refused.Refusal, refused.Message));
    }
}
