using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Metadata;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Identity;
using Streaming.Contracts.Workers;
using Streaming.Grains.Maintenance;
using Streaming.Grains.Tests.Hosting;
using Streaming.Inference;

namespace Streaming.Grains.Tests;

/// <summary>
/// Stores, and silos of another version, know grains and serialised types by name. The names are spelled out in attributes, so that
/// a class can be renamed; changing one of these names needs a migration. A new name or id is allowed: then decide about
/// <see cref="Streaming.Contracts.StoreVersion"/>.
/// </summary>
public sealed partial class StoredNamesTests
{
    /// <summary>Every name that is stored or crosses a process.</summary>
    private static readonly string[] Names =
    [
        "grain conversation",
        "grain directory",
        "grain keyring",
        "grain upkeep",
        "grain worker",
        "interface conversation-grain: configure, create, delete, get, inspect-cache, read-events, read-turns, resume, send, stop, "
            + "subscribe, unsubscribe",
        "interface conversation-observer: on-events",
        "interface conversation-upkeep-grain: erase",
        "interface directory-grain: list",
        "interface key-ring-grain: add, read",
        "interface upkeep-grain: sweep",
        "interface worker-grain: begin, decode, hand-back, leave, release, status, stop",
        "type cache-view: 0 1 2 3",
        "type conversation-changes: 0 1",
        "type conversation-entry: 0 1 2 3",
        "type conversation-page: 0 1",
        "type conversation-state: 0 1 2 3 4 5 6 7 8 9 10 11",
        "type conversation: 0 1 2 3 4 5 6 7 8 9 10 11 12 13",
        "type decode-request: 0 1 2 3 4 5 6 7 8 9 10 11 12 13",
        "type decode-update:",
        "type device-placement:",
        "type event-page: 0 1",
        "type event: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14",
        "type handed-back: 0",
        "type handed-window: 0 1 2 3",
        "type input-progress: 0",
        "type key-ring: 0 1",
        "type new-conversation: 0 1 2 3 4 5",
        "type refused: 0",
        "type reply-ended: 0 1 2 3 4",
        "type sampling: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
        "type sent: 0 1",
        "type sign-of-life:",
        "type slot-granted:",
        "type slot-queued: 0 1 2",
        "type subscription: 0 1 2",
        "type token-decoded: 0 1 2 3",
        "type turn-item: 0 1 2 3 4 5 6",
        "type turn-page: 0 1",
        "type worker-status: 0 1 2 3 4",
    ];

    [Fact]
    public void Grains_and_serialised_types_spell_out_the_names_that_stores_and_other_silos_know()
    {
        List<string> named = [],
            unnamed = [];
        foreach (Type type in Parts().SelectMany(part => part.GetTypes()))
        {
            if (type.IsSubclassOf(typeof(Grain)))
                Add(type, type.GetCustomAttribute<GrainTypeAttribute>() is { } grain ? $"grain {grain.GetGrainType(null!, type)}" : null);
            if (type.IsInterface && type.IsAssignableTo(typeof(IAddressable)))
                Add(type, AliasOf(type) is { } alias && CallsOf(type) is { } calls ? $"interface {alias}: {calls}" : null);
            if (type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false))
                Add(type, AliasOf(type) is { } alias ? $"type {alias}: {IdsOf(type)}".TrimEnd() : null);
        }
        Assert.Empty(unnamed);
        Assert.Equal(Names, named.Order(StringComparer.Ordinal));

        void Add(Type type, string? name) => (name is null ? unnamed : named).Add(name ?? type.FullName!);
    }

    [Fact]
    public void Only_the_parts_below_the_grains_have_grains_and_serialised_types()
    {
        string[] parts = [.. Parts().Select(part => part.GetName().Name!)];
        string[] others =
        [
            .. new[] { "src", "silo", "gateway" }
                .SelectMany(folder => Directory.EnumerateFiles(Repository.PathTo(folder), "*.cs", SearchOption.AllDirectories))
                .Where(file =>
                    !file.Split(Path.DirectorySeparatorChar).Any(name => name is "obj" or "node_modules" || parts.Contains(name))
                ),
        ];
        Assert.NotEmpty(others);
        Assert.DoesNotContain(others, file => GrainOrSerializedType().IsMatch(File.ReadAllText(file)));
    }

    [Fact]
    public async Task Grain_ids_and_placement_keep_the_names_that_stores_and_other_silos_know()
    {
        string data = Directory.CreateTempSubdirectory("streaming-names-").FullName;
        await using var device = new ScriptedDevice(1, 64);
        await using GrainsHost host = await GrainsHost.StartAsync(data, device);
        string worker = WorkerKey.Of(host.Address, "cpu");
        Assert.Equal("conversation/id", IdOf<IConversationGrain>("id"));
        Assert.Equal("conversation/id", IdOf<IConversationMaintenanceGrain>("id"));
        Assert.Equal("directory/guest", IdOf<IDirectoryGrain>("guest"));
        Assert.Equal("keyring/gateway", IdOf<IKeyRingGrain>("gateway"));
        Assert.Equal("worker/" + worker, IdOf<IWorkerGrain>(worker));
        Assert.Equal("upkeep/0", host.Grains.GetGrain<IMaintenanceGrain>(IMaintenanceGrain.Key).GetGrainId().ToString());
        GrainProperties properties = host.Services.GetRequiredService<IClusterManifestProvider>().LocalGrainManifest.Grains[
            GrainType.Create("worker")
        ];
        Assert.Equal("DevicePlacement", properties.Properties[WellKnownGrainTypeProperties.PlacementStrategy]);

        string IdOf<T>(string key)
            where T : IGrainWithStringKey => host.Grains.GetGrain<T>(key).GetGrainId().ToString();
    }

    [Fact]
    public void The_exception_by_which_a_worker_refuses_a_request_keeps_its_name() =>
        Assert.Equal("Streaming.Inference.InputException, Streaming.Inference", NameOf(typeof(InputException)));

    private static string NameOf(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";

    /// <summary>The project's assemblies that the grains are made of.</summary>
    private static Dictionary<string, Assembly>.ValueCollection Parts()
    {
        var parts = new Dictionary<string, Assembly>();
        var open = new Stack<Assembly>([typeof(ConversationOptions).Assembly]);
        while (open.TryPop(out Assembly? part))
        {
            if (!parts.TryAdd(part.GetName().Name!, part))
                continue;
            foreach (
                AssemblyName name in part.GetReferencedAssemblies().Where(n => n.Name!.StartsWith("Streaming.", StringComparison.Ordinal))
            )
                open.Push(Assembly.Load(name));
        }
        return parts.Values;
    }

    private static string? AliasOf(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias;

    /// <summary>The methods' aliases; null when one has none.</summary>
    private static string? CallsOf(Type type)
    {
        string?[] calls = [.. type.GetMethods().Where(method => method.IsAbstract).Select(AliasOf)];
        return calls.Contains(null) ? null : string.Join(", ", calls.Order(StringComparer.Ordinal));
    }

    private static string IdsOf(Type type) =>
        string.Join(
            ' ',
            type.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Select(member => member.GetCustomAttribute<IdAttribute>()?.Id)
                .OfType<uint>()
                .Order()
        );

    [GeneratedRegex(@"\[GenerateSerializer|\bclass\s+\w+[^{;]*:\s*Grain\b")]
    private static partial Regex GrainOrSerializedType();
}
