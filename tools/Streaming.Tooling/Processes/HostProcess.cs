using System.Globalization;

namespace Streaming.Tooling.Processes;

/// <summary>Ports of a silo: of its page and hub, for other silos, and for gateways.</summary>
public sealed record ClusterPorts(int Http, int Silo, int Gateway)
{
    /// <summary>Three free ones.</summary>
    public static ClusterPorts Free()
    {
        int[] ports = FreePorts.Take(3);
        return new ClusterPorts(ports[0], ports[1], ports[2]);
    }
}

/// <summary>A silo, a gateway or a cluster of them as a child process; it is ready when its <see cref="Url"/> answers.</summary>
public sealed class HostProcess : ServerProcess
{
    private HostProcess(int port, string program, IEnumerable<string> arguments)
        : base(program, arguments) => Url = UrlOf(port);

    /// <summary>The address of its page and hub.</summary>
    public string Url { get; }

    /// <summary>A silo; the owner of a conversation may inspect its cache.</summary>
    /// <param name="dataFolder">Folder of its store.</param>
    /// <param name="ports">Its ports.</param>
    /// <param name="settings">Further settings as <c>Name=value</c>, without the section.</param>
    public static HostProcess Silo(string dataFolder, ClusterPorts ports, params IEnumerable<string> settings) =>
        SiloWithArguments(dataFolder, ports, AsArguments(settings.Prepend("InspectCache=true")));

    /// <summary>A silo with further arguments as they are.</summary>
    public static HostProcess SiloWithArguments(string dataFolder, ClusterPorts ports, params IEnumerable<string> arguments) =>
        new(ports.Http, "dotnet", [Repository.Assembly("silo", "Streaming.Silo"), .. Own(dataFolder, ports), .. arguments]);

    /// <summary>A silo by a command that is typed at the repository's root, with further arguments for its store and ports.</summary>
    public static HostProcess FromCommand(string command, string dataFolder, ClusterPorts ports)
    {
        string[] words = command.Split(' ');
        return new(ports.Http, words[0], [.. words[1..], "--", .. Own(dataFolder, ports)]) { WorkingDirectory = Repository.Root };
    }

    /// <summary>A stand-alone gateway in front of a silo.</summary>
    /// <param name="ports">The silo's.</param>
    /// <param name="httpPort">The gateway's own port of page and hub.</param>
    /// <param name="settings">Further settings as <c>Name=value</c>, without the section.</param>
    public static HostProcess Gateway(ClusterPorts ports, int httpPort, params IEnumerable<string> settings) =>
        GatewayWithArguments(ports, httpPort, AsArguments(settings));

    /// <summary>A stand-alone gateway with further arguments as they are.</summary>
    public static HostProcess GatewayWithArguments(ClusterPorts ports, int httpPort, params IEnumerable<string> arguments) =>
        new(
            httpPort,
            "dotnet",
            [
                Repository.Assembly("gateway", "Streaming.StandaloneGateway"),
                "--urls",
                UrlOf(httpPort),
                .. AsArguments([$"GatewayPort={ports.Gateway}"]),
                .. arguments,
            ]
        );

    /// <summary>A whole cluster on this machine by its one command; its first gateway is at <see cref="Url"/>.</summary>
    public static HostProcess LocalCluster(string dataFolder, int port) =>
        new(
            port,
            "dotnet",
            [
                Repository.Assembly("infra/local", "Streaming.Local"),
                "--port",
                port.ToString(CultureInfo.InvariantCulture),
                "--data",
                dataFolder,
                "--Streaming:Threads=1",
            ]
        );

    /// <summary>Starts the program at once; the task completes when the program says that it is ready.</summary>
    /// <inheritdoc cref="ServerProcess.StartAsync"/>
    public new async Task<HostProcess> StartAsync(CancellationToken cancellation = default)
    {
        await base.StartAsync(cancellation);
        return this;
    }

    private static IEnumerable<string> Own(string dataFolder, ClusterPorts ports) =>
        ["--urls", UrlOf(ports.Http), .. AsArguments([$"Data={dataFolder}", $"SiloPort={ports.Silo}", $"GatewayPort={ports.Gateway}"])];

    private static IEnumerable<string> AsArguments(IEnumerable<string> settings) => settings.Select(setting => "--Streaming:" + setting);

    private static string UrlOf(int port) => $"http://localhost:{port}";
}
