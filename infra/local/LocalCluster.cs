using System.Net;
using System.Net.Sockets;
using Streaming.Azurite;

namespace Streaming.Local;

/// <summary>Azurite, three silos and two stand-alone gateways, started in this order and stopped in the opposite one.</summary>
internal static class LocalCluster
{
    private const int Silos = 3;
    private const int Gateways = 2;
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    /// <summary>Runs until it is told to stop; returns the exit code.</summary>
    public static async Task<int> RunAsync(LocalOptions options, CancellationToken stopping)
    {
        for (int port = options.Port; port < options.Port + LocalOptions.PortCount; port++)
        {
            if (IsFree(port))
                continue;
            await Console.Error.WriteLineAsync(
                $"Port {port} is taken by another process: stop it, or pass --port with the first of {LocalOptions.PortCount} free ones."
            );
            return 2;
        }
        string root = RepositoryRoot();
        Directory.CreateDirectory(options.Data);
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync(options.Data);
        Console.WriteLine($"Azurite keeps its tables and blobs in {options.Data}.");
        string[] cluster = ["--Streaming:Clustering=Azure", $"--Streaming:Azure:ConnectionString={azurite.ConnectionString}"];
        Child[] silos =
        [
            .. Enumerable
                .Range(0, Silos)
                .Select(i => new Child(
                    $"silo {i + 1}",
                    [
                        "dotnet",
                        Assembly(root, "silo", "Streaming.Silo"),
                        "--urls",
                        $"http://localhost:{options.Port + Gateways + i}",
                        $"--Streaming:SiloPort={options.Port + 8 + 2 * i}",
                        $"--Streaming:GatewayPort={options.Port + 9 + 2 * i}",
                        "--Streaming:Storage=Azure",
                        "--Streaming:Gateway=false",
                        .. cluster,
                        .. options.Settings,
                    ]
                )),
        ];
        Child[] gateways =
        [
            .. Enumerable
                .Range(0, Gateways)
                .Select(i => new Child(
                    $"gateway {i + 1}",
                    [
                        "dotnet",
                        Assembly(root, "gateway", "Streaming.StandaloneGateway"),
                        "--urls",
                        $"http://localhost:{options.Port + i}",
                        .. cluster,
                    ]
                )),
        ];
        try
        {
            await StartAsync(silos, stopping);
            await StartAsync(gateways, stopping);
            string addresses = string.Join(" or ", Enumerable.Range(options.Port, Gateways).Select(port => $"http://localhost:{port}"));
            Console.WriteLine($"Ready: open {addresses} in a browser, and kill whatever you like (kill -9 PROCESS). Ctrl-C stops.");
            await Task.Delay(Timeout.InfiniteTimeSpan, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Console.WriteLine("Stopping ...");
        }
        finally
        {
            await Task.WhenAll(gateways.Select(g => g.StopAsync()));
            foreach (Child silo in silos)
                await silo.StopAsync(); // One after the other: each hands its conversations over.
        }
        Console.WriteLine("Stopped.");
        return 0;
    }

    private static Task StartAsync(Child[] children, CancellationToken stopping)
    {
        foreach (Child child in children)
            child.Start(stopping);
        return Task.WhenAll(children.Select(c => c.Ready)).WaitAsync(StartLimit, stopping);
    }

    private static bool IsFree(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>A program, built in the same configuration as this one.</summary>
    private static string Assembly(string root, string project, string name) =>
        Path.Combine(root, project, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", name + ".dll");

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Streaming.Orleans.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("Run this inside the repository.");
    }
}
