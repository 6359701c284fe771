using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Streaming.Local;

/// <summary>A process that is started again when it ends, until it is told to stop.</summary>
internal sealed class Child(string name, string[] command)
{
    private const int SigTerm = 15;

    /// <summary>A process that does not leave when asked is killed after this; a silo's own limit is 20 s.</summary>
    private static readonly TimeSpan LeavingLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseBeforeRestart = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? _process;
    private Task _running = Task.CompletedTask;

    /// <summary>Completes when the process says that it is ready for the first time; fails when it ends before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Starts it, and again whenever it ends.</summary>
    public void Start(CancellationToken stopping) => _running = RunAsync(stopping);

    /// <summary>Asks it to leave in good order, and waits.</summary>
    public async Task StopAsync()
    {
        if (_process is { HasExited: false } process && kill(process.Id, SigTerm) == 0)
        {
            try
            {
                await process.WaitForExitAsync().WaitAsync(LeavingLimit);
            }
            catch (TimeoutException)
            {
                Console.WriteLine($"{name} does not leave: it is killed.");
                process.Kill(entireProcessTree: true);
            }
        }
        await _running;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            using Process process = Launch();
            _process = process;
            Console.WriteLine($"{name} is process {process.Id}.");
            await process.WaitForExitAsync(CancellationToken.None);
            _process = null;
            if (_ready.TrySetException(new InvalidOperationException($"{name} ended before it was ready, with code {process.ExitCode}.")))
                return;
            await Task.Delay(PauseBeforeRestart, stopping).ContinueWith(_ => { }, TaskScheduler.Default); // A Ctrl-C reaches it before us.
            if (!stopping.IsCancellationRequested)
                Console.WriteLine($"{name} ended with code {process.ExitCode} and is started again.");
        }
    }

    private Process Launch()
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in command[1..])
            start.ArgumentList.Add(argument);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Take(string? line)
    {
        if (line is null)
            return;
        Console.WriteLine($"{name} | {line}");
        if (line.StartsWith("Ready:", StringComparison.Ordinal))
            _ready.TrySetResult();
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);
}
