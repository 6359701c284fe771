using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Identity;
using Streaming.Grains.Conversations;
using Streaming.Grains.Identity;
using Streaming.Grains.Tests.Hosting;

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
