using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Storage;
using Streaming.Contracts.Conversations;
using Streaming.Grains.Hosting;
using Streaming.Grains.Workers;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Chat;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;
using Streaming.Storage.Sqlite;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>A silo in this process with the real store, the starter model's chat format and a device that the test provides.</summary>
internal sealed class GrainsHost : IAsyncDisposable
{
    public const string Caller = "guest-of-the-test";

    private readonly IHost _host;
    private readonly int _siloPort;

    private GrainsHost(IHost host, int siloPort)
    {
        _host = host;
        _siloPort = siloPort;
    }

    public static string StarterFolder { get; } = Repository.PathTo("models", "starter");

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IConversationLog Log => _host.Services.GetRequiredService<IConversationLog>();

    public ISnapshotStore Snapshots => _host.Services.GetRequiredService<ISnapshotStore>();

    public IServiceProvider Services => _host.Services;

    public SiloAddress Address => _host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

    public static Task<GrainsHost> StartAsync(
        string dataFolder,
        IDecodeDevice device,
        ConversationOptions? options = null,
        string fingerprint = "scripted",
        LogFaults? faults = null
    ) =>
        StartAsync(
            services =>
            {
                services.AddSqliteStore(dataFolder);
                if (faults is not null)
                    Wrap(services, faults.Over);
            },
            silo => silo.AddSqliteGrainStorageAsDefault(),
            primary: null,
            device,
            options,
            fingerprint
        );

    /// <summary>Another silo of this one's cluster, with the same store.</summary>
    public Task<GrainsHost> JoinAsync(IDecodeDevice device, ConversationOptions? options = null, string fingerprint = "scripted") =>
        StartAsync(
            services => services.AddSingleton(Log).AddSingleton(Snapshots),
            silo =>
                silo.Services.AddGrainStorage(
                    ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME,
                    (_, name) => _host.Services.GetRequiredKeyedService<IGrainStorage>(name)
                ),
            primary: _siloPort,
            device,
            options,
            fingerprint
        );

    private static async Task<GrainsHost> StartAsync(
        Action<IServiceCollection> addLog,
        Action<ISiloBuilder> addGrainStorage,
        int? primary,
        IDecodeDevice device,
        ConversationOptions? options,
        string fingerprint
    )
    {
        int[] ports = FreePorts.Take(2);
        IHost host = new HostBuilder()
            .ConfigureLogging(l => l.SetMinimumLevel(LogLevel.None))
            .ConfigureServices(addLog)
            .UseOrleans(silo =>
            {
                silo.UseLocalhostClustering(ports[0], ports[1], primary is { } port ? new IPEndPoint(IPAddress.Loopback, port) : null);
                addGrainStorage(silo);
#pragma warning disable ORLEANSEXP003 // As in a cluster: the default directory loses activations when a silo shuts down.
                silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
                silo.AddConversations(
                    Model(device, fingerprint),
                    o =>
                    {
                        o.GroupTokens = options?.GroupTokens ?? 4;
                        o.GroupInterval = options?.GroupInterval ?? o.GroupInterval;
                        o.ErasureDelay = options?.ErasureDelay ?? o.ErasureDelay;
                        o.SweepInterval = options?.SweepInterval ?? o.SweepInterval;
                        o.SnapshotTokens = options?.SnapshotTokens ?? o.SnapshotTokens;
                        o.SliceTokens = options?.SliceTokens ?? o.SliceTokens;
                        o.PreemptedMegabytes = options?.PreemptedMegabytes ?? o.PreemptedMegabytes;
                    }
                );
            })
            .Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new GrainsHost(host, ports[0]);
    }

    /// <summary>The checkpoint's sampling: what a conversation gets that leaves these values open.</summary>
    public static SamplingParameters DefaultSampling { get; } =
        new()
        {
            MinNewTokens = 1,
            TypicalP = 0.99,
            SuppressTokens = [4000],
            Stop = ["checkpoint's"],
        };

    /// <summary>A new conversation of <see cref="Caller"/>.</summary>
    public async Task<IConversationGrain> CreateAsync(NewConversation? request = null)
    {
        IConversationGrain grain = Grains.GetGrain<IConversationGrain>(ConversationId.New());
        await grain.Create(Caller, request ?? new NewConversation());
        return grain;
    }

    /// <summary>Watches a conversation from its last number on.</summary>
    public async Task<RecordingObserver> WatchAsync(IConversationGrain conversation)
    {
        var observer = new RecordingObserver();
        await conversation.Subscribe("gateway-of-the-test", Grains.CreateObjectReference<IConversationObserver>(observer));
        return observer;
    }

    /// <summary>Waits until this silo knows the devices and grain types of a number of silos: placement ignores the others.</summary>
    public async Task UntilDevicesKnownAsync(int silos)
    {
        ISiloStatusOracle membership = _host.Services.GetRequiredService<ISiloStatusOracle>();
        ISiloMetadataCache metadata = _host.Services.GetRequiredService<ISiloMetadataCache>();
        IClusterManifestProvider manifest = _host.Services.GetRequiredService<IClusterManifestProvider>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20)); // The cache raises no event when it changes.
        while (
            manifest.Current.Silos.Count < silos
            || membership.GetActiveSilos().Count(silo => SiloDevices.Read(metadata.GetSiloMetadata(silo)) is not null) < silos
        )
            await look.WaitForNextTickAsync(limit.Token);
    }

    /// <summary>A graceful shutdown, as by SIGTERM.</summary>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }

    private static void Wrap(IServiceCollection services, Func<IConversationLog, IConversationLog> wrap)
    {
        ServiceDescriptor inner = services.Last(service => service.ServiceType == typeof(IConversationLog));
        services.Remove(inner);
        services.AddSingleton(provider => wrap((IConversationLog)ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!)));
    }

    private static ConversationModel Model(IDecodeDevice device, string fingerprint) =>
        new()
        {
            Name = "test",
            Fingerprint = fingerprint,
            Chat = ChatFormat.Load(StarterFolder, Tokenizer.Load(StarterFolder)),
            Vocabulary = Tokenizer.Load(StarterFolder),
            VocabularySize = 4096,
            DefaultSampling = DefaultSampling,
            DefaultLayout = new CacheLayout(4, device.Capacity - 4),
            Devices = new Dictionary<string, IDecodeDevice> { ["cpu"] = device },
        };
}
