using Streaming.Azurite;

namespace Streaming.EndToEnd.Tests.Hosts;

/// <summary>The classes that share one cluster; each leaves it with all its processes running.</summary>
[CollectionDefinition]
public sealed class ClusterCollection : ICollectionFixture<ClusterFixture>;

/// <summary>Azurite, three silos and two stand-alone gateways as processes; tests leave them as they found them, all running.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    internal const int SiloCount = 3;

    /// <summary>Further settings of the silos, <c>Name=value</c> with blanks between; <c>tests/chaos.sh</c> has some.</summary>
    internal static readonly string FurtherSettings = Environment.GetEnvironmentVariable("STREAMING_CLUSTER_SETTINGS") ?? "";

    /// <summary>How each silo decodes: what it says is a function of what it is told.</summary>
    internal static readonly string[] Decoding = ["Threads=1", "Deterministic=true", "DType=float32", "Slots=24"];

    private readonly TemporaryFolder _folder = new();

    internal AzuriteProcess Azurite { get; private set; } = null!;

    internal HostProcess[] Silos { get; private set; } = [];

    internal HostProcess[] Gateways { get; private set; } = [];

    internal string Output => string.Join("\n\n", Silos.Concat(Gateways).Select(h => $"== {h.Url}\n{h.Output}"));

    public async ValueTask InitializeAsync()
    {
        Azurite = await AzuriteProcess.StartInMemoryAsync(); // these tests write some hundred times a second
        string[] cluster = Settings(Azurite.ConnectionString);
        Silos =
        [
            .. Enumerable
                .Range(0, SiloCount)
                .Select(i =>
                    HostProcess.Silo(
                        Path.Combine(_folder.Path, $"store{i}"),
                        ClusterPorts.Free(),
                        ["Storage=Azure", .. Decoding, .. cluster, .. FurtherSettings.Split(' ', StringSplitOptions.RemoveEmptyEntries)]
                    )
                ),
        ];
        Gateways =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(_ =>
                    HostProcess.Gateway(ClusterPorts.Free(), FreePorts.Take(), ["InspectCache=true", "GuestsPerMinute=100000", .. cluster])
                ),
        ];
        await StartAllAsync();
    }

    /// <summary>Starts whatever does not run.</summary>
    internal Task StartAllAsync() => Task.WhenAll(Silos.Concat(Gateways).Where(h => !h.IsStarted).Select(h => h.StartAsync()));

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess host in Gateways.Concat(Silos))
            await host.DisposeAsync();
        await Azurite.DisposeAsync();
        _folder.Dispose();
    }

    internal static string[] Settings(string connectionString) => ["Clustering=Azure", $"Azure:ConnectionString={connectionString}"];
}
