using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>A silo's host as a process of its own on free ports, with its page and hub; can be killed and started again.</summary>
internal sealed partial class SiloProcess : IAsyncDisposable
{
    private const int SigTerm = 15,
        LinesKept = 40;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string[] _arguments;
    private readonly ConcurrentQueue<string> _output = new();
    private Process? _process;
    private TaskCompletionSource _ready = new();

    /// <param name="dataFolder">Of the store.</param>
    /// <param name="settings">As <c>Name=value</c>, without the section.</param>
    public SiloProcess(string dataFolder, IEnumerable<string> settings)
    {
        int[] ports = FreePorts(3);
        Url = $"http://localhost:{ports[0]}";
        string[] own = [$"Data={dataFolder}", $"SiloPort={ports[1]}", $"GatewayPort={ports[2]}"];
        _arguments = ["--urls", Url, .. own.Concat(settings).Select(setting => "--Streaming:" + setting)];
    }

    /// <summary>Where hub and page are.</summary>
    public string Url { get; }

    /// <summary>The last lines that it printed.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Resident memory now.</summary>
    public double ResidentMiB
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64 / MiB;
        }
    }

    /// <summary>Starts it, and waits until it says that it is ready.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        if (!File.Exists(Repository.Silo))
            throw new MeasurementException($"'{Repository.Silo}' is not built: dotnet build -c Release bench/Streaming.Bench.Paper");
        _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [Repository.Silo, .. _arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += (_, line) => OnLine(line.Data);
        _process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Task.WhenAny(_ready.Task, _process.WaitForExitAsync(cancellation)).WaitAsync(Limit, cancellation);
        if (!_ready.Task.IsCompleted)
            throw new MeasurementException($"The host ended before it was ready:\n{Output}");
    }

    /// <summary>SIGKILL, at once.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(Limit);
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM: it finishes what it is at, and ends.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        if (kill(_process!.Id, SigTerm) != 0)
            throw new MeasurementException($"The host's process {_process.Id} could not be told to end.");
        await _process.WaitForExitAsync(cancellation).WaitAsync(Limit, cancellation);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
    }

    private void OnLine(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (_output.Count > LinesKept)
            _output.TryDequeue(out _);
        if (line.StartsWith("Ready:", StringComparison.Ordinal))
            _ready.TrySetResult();
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
