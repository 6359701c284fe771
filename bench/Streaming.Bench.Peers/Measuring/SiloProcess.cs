using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Streaming.Inference;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>The real host with an empty SQLite store of its own, at free ports.</summary>
internal sealed partial class SiloProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(5),
        LongestEnd = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly string _data;

    private SiloProcess(Process process, string data, string url)
    {
        _process = process;
        _data = data;
        Url = url;
    }

    /// <summary>Where it listens.</summary>
    public string Url { get; }

    /// <summary>Starts a host, and waits until it is ready.</summary>
    /// <param name="settings"><c>Name=value</c>, without the section.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="InputException">It is not built, or ended before it was ready.</exception>
    public static async Task<SiloProcess> StartAsync(IReadOnlyList<string> settings, CancellationToken cancellation)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name; // bin/CONFIGURATION/FRAMEWORK
        string program = Repository.PathTo("silo", "bin", configuration, "net10.0", "Streaming.Silo.dll");
        if (!File.Exists(program))
            throw new InputException($"{program} does not exist: build the host (dotnet build silo -c {configuration}).");
        string data = Directory.CreateTempSubdirectory("served-").FullName;
        int[] ports = FreePorts(3);
        string url = $"http://localhost:{ports[0]}";
        var start = new ProcessStartInfo(
            "dotnet",
            [
                program,
                "--urls",
                url,
                $"--Streaming:Data={data}",
                $"--Streaming:SiloPort={ports[1]}",
                $"--Streaming:GatewayPort={ports[2]}",
                .. settings.Select(setting => "--Streaming:" + setting),
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (
            string name in (string[])
                [
                    "OMP_WAIT_POLICY",
                    "GOMP_SPINCOUNT",
                    "MALLOC_MMAP_MAX_",
                    "MALLOC_TRIM_THRESHOLD_",
                    "MALLOC_TOP_PAD_",
                    "MALLOC_ARENA_MAX",
                    "GLIBC_TUNABLES",
                ]
        )
            start.Environment.Remove(name); // it sets its own
        var silo = new SiloProcess(Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start."), data, url);
        try
        {
            await silo.UntilReadyAsync(cancellation);
            return silo;
        }
        catch
        {
            await silo.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it in order, else by force, and deletes its store.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(LongestEnd);
        try
        {
            if (!_process.HasExited && kill(_process.Id, SigTerm) != 0)
                throw new InvalidOperationException($"The host could not be told to end: {Marshal.GetLastPInvokeErrorMessage()}.");
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
        finally
        {
            _process.Dispose();
            Directory.Delete(_data, recursive: true);
        }
    }

    private async Task UntilReadyAsync(CancellationToken cancellation)
    {
        var output = new List<string>();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Task.WhenAny(ready.Task, _process.WaitForExitAsync(cancellation)).WaitAsync(LongestStart, cancellation);
        if (!ready.Task.IsCompleted)
        {
            lock (output)
                throw new InputException($"The host ended before it was ready: {string.Join(Environment.NewLine, output)}");
        }

        void Take(string? line)
        {
            if (line is null || ready.Task.IsCompleted)
                return;
            lock (output)
                output.Add(line);
            if (line.StartsWith("Ready:", StringComparison.Ordinal))
                ready.TrySetResult();
        }
    }

    private static int[] FreePorts(int count)
    {
        List<TcpListener> listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        listeners.ForEach(listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Stop());
        return ports;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);
}
