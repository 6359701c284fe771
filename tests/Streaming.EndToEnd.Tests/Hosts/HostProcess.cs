using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.EndToEnd.Tests.Hosts;

/// <summary>A silo or gateway as an operating-system process, with ports and a data folder of its own; can be killed and started again.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly string[] _command;
    private readonly string _folder;
    private readonly List<string> _arguments;
    private readonly ConcurrentQueue<string> _output = new();
    private Process? _process;
    private TaskCompletionSource _ready = new();

    private HostProcess(string[] command, string folder, int httpPort, params ReadOnlySpan<string> arguments)
    {
        _command = command;
        _folder = folder;
        Url = $"http://localhost:{httpPort}";
        _arguments = ["--urls", Url, .. arguments];
    }

    public string Url { get; }

    public string Output => string.Join('\n', _output);

    /// <summary>A silo; settings are given as <c>Name=value</c>, without the section.</summary>
    public static HostProcess Silo(string dataFolder, ClusterPorts ports, params ReadOnlySpan<string> settings) =>
        new(
            ["dotnet", Repository.Assembly("silo", "Streaming.Silo")],
            Path.GetTempPath(),
            ports.Http,
            [.. Own(dataFolder, ports), "--Streaming:InspectCache=true", .. Options(settings)]
        );

    /// <summary>A silo with arguments as they are, for starts that are refused.</summary>
    public static HostProcess SiloWith(string dataFolder, params ReadOnlySpan<string> arguments)
    {
        ClusterPorts ports = ClusterPorts.Free();
        return new(
            ["dotnet", Repository.Assembly("silo", "Streaming.Silo")],
            Path.GetTempPath(),
            ports.Http,
            [.. Own(dataFolder, ports), .. arguments]
        );
    }

    /// <summary>A silo by a command that a person types in the repository's root, with a data folder and ports of its own.</summary>
    public static HostProcess Typed(string command, string dataFolder, ClusterPorts ports) =>
        new([.. command.Split(' '), "--"], Repository.Root, ports.Http, [.. Own(dataFolder, ports)]);

    /// <summary>A stand-alone gateway of a silo.</summary>
    public static HostProcess Gateway(ClusterPorts ports, int httpPort, params ReadOnlySpan<string> settings) =>
        new(
            ["dotnet", Repository.Assembly("gateway", "Streaming.StandaloneGateway")],
            Path.GetTempPath(),
            httpPort,
            [$"--Streaming:GatewayPort={ports.Gateway}", .. Options(settings)]
        );

    /// <summary>Whether it was started and neither stopped nor killed since.</summary>
    public bool IsStarted => _process is not null;

    /// <summary>A whole cluster on this machine by its one command; its first gateway is at <see cref="Url"/>.</summary>
    public static HostProcess LocalCluster(string dataFolder, int port)
    {
        var cluster = new HostProcess(["dotnet", Repository.Assembly("infra/local", "Streaming.Local")], Path.GetTempPath(), port);
        cluster._arguments.Clear();
        cluster._arguments.AddRange("--port", port.ToString(CultureInfo.InvariantCulture), "--data", dataFolder, "--Streaming:Threads=1");
        return cluster;
    }

    /// <summary>Starts it, and waits until it says that it is ready.</summary>
    public async Task<HostProcess> StartAsync()
    {
        Launch(out Task ready);
        await ready;
        return this;
    }

    /// <summary>Starts it; the task completes when it says that it is ready.</summary>
    public void Launch(out Task ready)
    {
        _ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Launch();
        ready = ReadyAsync(_process);
    }

    private async Task ReadyAsync(Process process)
    {
        await Task.WhenAny(_ready.Task, process.WaitForExitAsync()).WaitAsync(StartLimit);
        if (!_ready.Task.IsCompletedSuccessfully)
            throw new InvalidOperationException($"{string.Join(' ', _command)} ended before it was ready:\n{Output}");
    }

    /// <summary>Runs it to its end; for starts that are refused.</summary>
    public async Task<(int ExitCode, string Output)> RunToEndAsync()
    {
        _process = Launch();
        await _process.WaitForExitAsync().WaitAsync(StartLimit);
        _process.WaitForExit(); // The last lines of output come before this returns.
        return (_process.ExitCode, Output);
    }

    /// <summary>SIGKILL, at once.</summary>
    public async Task KillAsync()
    {
        _process!.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    public Task<int> TerminateAsync()
    {
        Send(SigTerm);
        return ExitAsync();
    }

    /// <summary>SIGSTOP: its time stops, its sockets stay open.</summary>
    public void Freeze() => Send(SigStop);

    /// <summary>SIGCONT: its time goes on.</summary>
    public void Thaw() => Send(SigCont);

    /// <summary>Waits until it has ended by itself; returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        await _process!.WaitForExitAsync().WaitAsync(StartLimit);
        int code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
    }

    private void Send(int signal) => Assert.Equal(0, kill(_process!.Id, signal));

    private Process Launch()
    {
        var start = new ProcessStartInfo(_command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        foreach (string argument in _command[1..])
            start.ArgumentList.Add(argument);
        _arguments.ForEach(start.ArgumentList.Add);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void OnLine(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (line.StartsWith("Ready:", StringComparison.Ordinal))
            _ready.TrySetResult();
    }

    private static IEnumerable<string> Own(string dataFolder, ClusterPorts ports) =>
        [$"--Streaming:Data={dataFolder}", $"--Streaming:SiloPort={ports.Silo}", $"--Streaming:GatewayPort={ports.Gateway}"];

    private static IEnumerable<string> Options(ReadOnlySpan<string> settings)
    {
        var options = new List<string>();
        foreach (string setting in settings)
            options.Add("--Streaming:" + setting);
        return options;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);
}

/// <summary>Ports that nobody uses.</summary>
internal sealed record ClusterPorts(int Http, int Silo, int Gateway)
{
    public static ClusterPorts Free()
    {
        int[] ports = FreePorts(3);
        return new ClusterPorts(ports[0], ports[1], ports[2]);
    }

    public static int[] FreePorts(int count)
    {
        List<TcpListener> listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        listeners.ForEach(l => l.Start());
        int[] ports = [.. listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        listeners.ForEach(l => l.Stop());
        return ports;
    }
}

/// <summary>A folder that is deleted at the end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("streaming-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
