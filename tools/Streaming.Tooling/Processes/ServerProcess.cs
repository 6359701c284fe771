using System.Collections.Concurrent;
using System.Diagnostics;
using CliWrap;

namespace Streaming.Tooling.Processes;

/// <summary>A program that runs until it is stopped, as a child process: it can be stopped, killed, frozen, and started again.</summary>
/// <param name="program">The executable.</param>
/// <param name="arguments">Its arguments.</param>
public class ServerProcess(string program, IEnumerable<string> arguments) : IAsyncDisposable
{
    /// <summary>The longest that a program may take to become ready or to shut down.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(3);

    private const double MiB = 1 << 20;
    private readonly string[] _arguments = [.. arguments];
    private readonly ConcurrentQueue<string> _output = new();
    private CommandTask<CommandResult>? _running;
    private CancellationTokenSource _kill = new();

    /// <summary>The program's working directory.</summary>
    public string WorkingDirectory { get; init; } = Path.GetTempPath();

    /// <summary>Environment variables to set, or with null to remove; the others are inherited.</summary>
    public IReadOnlyDictionary<string, string?> EnvironmentVariables { get; set; } = new Dictionary<string, string?>();

    /// <summary>What the line of output begins with by which the program says that it is ready.</summary>
    public string ReadyLine { get; init; } = "Ready:";

    /// <summary>Lines that <see cref="Output"/> keeps.</summary>
    public int LinesKept { get; init; } = int.MaxValue;

    /// <summary>Called with each line of output.</summary>
    public Action<string>? LineWritten { get; init; }

    /// <summary>Whether it was started, and neither stopped nor killed since.</summary>
    public bool IsStarted => _running is not null;

    /// <summary>The process's id.</summary>
    public int Id => Running.ProcessId;

    /// <summary>What it printed to stdout and stderr, over all starts.</summary>
    public string Output => string.Join('\n', _output);

    /// <summary>Resident memory in MiB.</summary>
    public double ResidentMiB
    {
        get
        {
            using var process = Process.GetProcessById(Id);
            return process.WorkingSet64 / MiB;
        }
    }

    private CommandTask<CommandResult> Running => _running ?? throw new InvalidOperationException($"{this} is not running.");

    /// <summary>Starts the program.</summary>
    public void Launch() => Launch(new TaskCompletionSource());

    /// <summary>Starts the program at once; the task completes when the program says that it is ready.</summary>
    /// <exception cref="ToolException">It ended before.</exception>
    /// <exception cref="TimeoutException">It was not ready within <see cref="DefaultLimit"/>.</exception>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Launch(ready);
        await Task.WhenAny(ready.Task, Running.Task).WaitAsync(DefaultLimit, cancellation);
        if (!ready.Task.IsCompleted)
            throw new ToolException($"{this} ended before it was ready:\n{Output}");
    }

    /// <summary>Starts the program and waits until it has ended by itself.</summary>
    public async Task<(int ExitCode, string Output)> RunToEndAsync()
    {
        Launch();
        return (await ExitAsync(), Output);
    }

    /// <summary>Waits until it has ended by itself; returns the exit code.</summary>
    /// <exception cref="TimeoutException">It did not end within the limit, by default <see cref="DefaultLimit"/>.</exception>
    public async Task<int> ExitAsync(TimeSpan? limit = null)
    {
        CommandResult result = await Running.Task.WaitAsync(limit ?? DefaultLimit);
        _running = null;
        return result.ExitCode;
    }

    /// <summary>SIGTERM: it shuts down; returns the exit code.</summary>
    /// <exception cref="TimeoutException">It did not end within the limit, by default <see cref="DefaultLimit"/>.</exception>
    public Task<int> TerminateAsync(TimeSpan? limit = null)
    {
        Send(Signal.Terminate);
        return ExitAsync(limit);
    }

    /// <summary>SIGKILL to it and its children, at once.</summary>
    public async Task KillAsync()
    {
        await _kill.CancelAsync();
        try
        {
            await Running;
        }
        catch (OperationCanceledException) { }
        _running = null;
    }

    /// <summary>SIGSTOP: it stops running, and its connections stay open.</summary>
    public void Freeze() => Send(Signal.Stop);

    /// <summary>SIGCONT: it runs on.</summary>
    public void Thaw() => Send(Signal.Continue);

    /// <summary>Sends a signal; false if the program has ended.</summary>
    public bool TrySend(Signal signal) => _running is { } running && Signals.Send(running.ProcessId, signal);

    /// <summary>Kills it if it runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsStarted)
            await KillAsync();
        _kill.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The command.</summary>
    public override string ToString() => $"{program} {string.Join(' ', _arguments)}";

    private void Send(Signal signal)
    {
        if (!TrySend(signal))
            throw new InvalidOperationException($"{this} has ended, so it cannot be sent {signal}:\n{Output}");
    }

    private void Launch(TaskCompletionSource ready)
    {
        _kill.Dispose();
        _kill = new CancellationTokenSource();
        var lines = PipeTarget.ToDelegate(line => Take(line, ready));
        _running = Cli.Wrap(program)
            .WithArguments(_arguments)
            .WithWorkingDirectory(WorkingDirectory)
            .WithEnvironmentVariables(EnvironmentVariables)
            .WithStandardOutputPipe(lines)
            .WithStandardErrorPipe(lines)
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(_kill.Token);
    }

    private void Take(string line, TaskCompletionSource ready)
    {
        _output.Enqueue(line);
        if (_output.Count > LinesKept)
            _output.TryDequeue(out _);
        LineWritten?.Invoke(line);
        if (line.StartsWith(ReadyLine, StringComparison.Ordinal))
            ready.TrySetResult();
    }
}
