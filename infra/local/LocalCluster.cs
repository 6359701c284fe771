using Streaming.Azurite;
using Streaming.Tooling;
using Streaming.Tooling.Processes;

namespace Streaming.Local;

/// <summary>Azurite, three silos and two stand-alone gateways, started in this order and stopped in the reverse order.</summary>
internal static class LocalCluster
{
    /// <summary>Ports that a cluster uses.</summary>
    public const int PortCount = 20;

    /// <summary>The least first port.</summary>
    public const int LeastPort = 1024;

    /// <summary>The largest first port.</summary>
    public const int LargestPort = 65_535 - PortCount;

    /// <summary>
    /// Log levels: processes are killed here on purpose, and Orleans would report each failed call to them in many lines, at the level
    /// Error in these three parts.
    /// </summary>
    private static readonly string[] s_quiet =
    [
        "--Logging:LogLevel:Orleans=Error",
        "--Logging:LogLevel:Orleans.Runtime.GrainCallCancellationManager=Critical",
        "--Logging:LogLevel:Orleans.Runtime.GrainDirectory=Critical",
        "--Logging:LogLevel:Orleans.Runtime.MembershipService=Critical",
    ];

    private const int Silos = 3;
    private const int Gateways = 2;

    /// <summary>Whether an argument is a setting of the silos.</summary>
    public static bool IsSetting(string argument) =>
        argument.StartsWith("--Streaming:", StringComparison.OrdinalIgnoreCase) && argument.Contains('=', StringComparison.Ordinal);

    /// <summary>Runs the cluster until it is told to stop.</summary>
    /// <param name="firstPort">Port of the first gateway; the others follow it.</param>
    /// <param name="data">Folder in which Azurite keeps its content.</param>
    /// <param name="settings">Further arguments of the silos.</param>
    /// <param name="stopping">Cancelled by Ctrl-C and SIGTERM.</param>
    public static async Task<int> RunAsync(int firstPort, string data, IReadOnlyList<string> settings, CancellationToken stopping)
    {
        foreach (int port in Enumerable.Range(firstPort, PortCount).Where(port => !FreePorts.IsFree(port)))
            throw new ToolException(
                $"Port {port} is taken by another process: stop it, or pass --port with the first of {PortCount} free ports."
            );
        Directory.CreateDirectory(data);
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync(data);
        Console.WriteLine($"Azurite keeps its tables and blobs in {data}.");
        string[] cluster = ["--Streaming:Clustering=Azure", $"--Streaming:Azure:ConnectionString={azurite.ConnectionString}"];
        RestartedProcess[] silos =
        [
            .. Enumerable
                .Range(0, Silos)
                .Select(i => new RestartedProcess(
                    $"silo {i + 1}",
                    [
                        Repository.Assembly("silo", "Streaming.Silo"),
                        "--urls",
                        $"http://localhost:{firstPort + Gateways + i}",
                        $"--Streaming:SiloPort={firstPort + 8 + 2 * i}",
                        $"--Streaming:GatewayPort={firstPort + 9 + 2 * i}",
                        "--Streaming:Storage=Azure",
                        "--Streaming:Gateway=false",
                        .. s_quiet,
                        .. cluster,
                        .. settings,
                    ]
                )),
        ];
        RestartedProcess[] gateways =
        [
            .. Enumerable
                .Range(0, Gateways)
                .Select(i => new RestartedProcess(
                    $"gateway {i + 1}",
                    [
                        Repository.Assembly("gateway", "Streaming.StandaloneGateway"),
                        "--urls",
                        $"http://localhost:{firstPort + i}",
                        .. s_quiet,
                        .. cluster,
                    ]
                )),
        ];
        try
        {
            await Task.WhenAll(silos.Select(silo => silo.StartAsync(stopping)));
            await Task.WhenAll(gateways.Select(gateway => gateway.StartAsync(stopping)));
            string addresses = string.Join(" or ", Enumerable.Range(firstPort, Gateways).Select(port => $"http://localhost:{port}"));
            Console.WriteLine($"Ready: open {addresses} in a browser, and kill whatever you like (kill -9 PROCESS). Ctrl-C stops.");
            await Task.Delay(Timeout.InfiniteTimeSpan, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Console.WriteLine("Stopping ...");
        }
        finally
        {
            await Task.WhenAll(gateways.Select(gateway => gateway.StopAsync()));
            foreach (RestartedProcess silo in silos)
                await silo.StopAsync(); // One after another, so that each hands its conversations over to the next.
        }
        Console.WriteLine("Stopped.");
        return 0;
    }
}
