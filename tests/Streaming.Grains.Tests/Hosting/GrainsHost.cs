using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Conversations;
using Streaming.Inference.Batching;
using Streaming.Inference.Chat;
using Streaming.Inference.Decoding;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tokenizing;
using Streaming.Storage;
using Streaming.Storage.Log;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Tests.Hosting;

/// <summary>A silo in this process with the real store and the starter's real chat format, and the device that a test wants.</summary>
internal sealed class GrainsHost : IAsyncDisposable
{
    public const string Caller = "guest-of-the-test";

    private readonly IHost _host;

    private GrainsHost(IHost host) => _host = host;

    public static string StarterFolder { get; } = Path.Combine(RepositoryRoot(), "models", "starter");

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public IConversationLog Log => _host.Services.GetRequiredService<IConversationLog>();

    public ISnapshotStore Snapshots => _host.Services.GetRequiredService<ISnapshotStore>();

    public static async Task<GrainsHost> StartAsync(string dataFolder, IDecodeDevice device, ConversationOptions? options = null, string fingerprint = "scripted")
    {
        int[] ports = FreePorts(2);
        IHost host = new HostBuilder()
            .ConfigureLogging(l => l.SetMinimumLevel(LogLevel.None))
            .ConfigureServices(services => services
                .AddSqliteStore(dataFolder)
                .AddSingleton(Model(device, fingerprint)))
            .UseOrleans(silo => silo
                .UseLocalhostClustering(ports[0], ports[1])
                .AddSqliteGrainStorageAsDefault()
                .AddConversations(o =>
                {
                    o.GroupTokens = options?.GroupTokens ?? 4;
                    o.GroupInterval = options?.GroupInterval ?? o.GroupInterval;
                    o.ErasureDelay = options?.ErasureDelay ?? o.ErasureDelay;
                    o.SweepInterval = options?.SweepInterval ?? o.SweepInterval;
                    o.SnapshotTokens = options?.SnapshotTokens ?? o.SnapshotTokens;
                }))
            .Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new GrainsHost(host);
    }

    /// <summary>A new conversation of <see cref="Caller"/>.</summary>
    public async Task<IConversationGrain> CreateAsync(NewConversation? request = null)
    {
        IConversationGrain grain = Grains.GetGrain<IConversationGrain>(ConversationId.New());
        await grain.Create(Caller, request ?? new NewConversation());
        return grain;
    }

    /// <summary>Watches a conversation from its present last number on.</summary>
    public async Task<RecordingObserver> WatchAsync(IConversationGrain conversation)
    {
        var observer = new RecordingObserver();
        await conversation.Subscribe("gateway-of-the-test", Grains.CreateObjectReference<IConversationObserver>(observer));
        return observer;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }

    private static ConversationModel Model(IDecodeDevice device, string fingerprint) => new()
    {
        Name = "test",
        Fingerprint = fingerprint,
        Chat = ChatFormat.Load(StarterFolder, Tokenizer.Load(StarterFolder)),
        DefaultSampling = new SamplingParameters(),
        DefaultLayout = new CacheLayout(4, device.Capacity - 4),
        Devices = new Dictionary<string, IDecodeDevice> { ["cpu"] = device },
    };

    private static int[] FreePorts(int count)
    {
        List<TcpListener> listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        listeners.ForEach(l => l.Start());
        int[] ports = [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        listeners.ForEach(l => l.Stop());
        return ports;
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
