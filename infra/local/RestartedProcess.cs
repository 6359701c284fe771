using Streaming.Tooling.Processes;

namespace Streaming.Local;

/// <summary>A .NET program that is started again whenever it ends, until it is stopped.</summary>
internal sealed class RestartedProcess
{
    /// <summary>What Orleans prints before it ends a silo that the others declared dead while it was frozen or slow.</summary>
    private const string DeclaredDead = "I have been told I am dead";

    /// <summary>A process that does not shut down within this time is killed; a silo's own limit is 20 s.</summary>
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseBeforeRestart = TimeSpan.FromSeconds(1);

    private readonly string _name;
    private readonly ServerProcess _process;
    private Task _restarting = Task.CompletedTask;
    private bool _isDeclaredDead;

    /// <summary>Describes a process that <see cref="StartAsync"/> starts.</summary>
    /// <param name="name">Its name in the output.</param>
    /// <param name="command">Its assembly and arguments.</param>
    public RestartedProcess(string name, IEnumerable<string> command)
    {
        _name = name;
        _process = new ServerProcess("dotnet", command) { LinesKept = 40, LineWritten = Show };
    }

    /// <summary>Starts it at once; the task completes when it is ready. From then on it is started again whenever it ends.</summary>
    /// <param name="stopping">Must be cancelled before <see cref="StopAsync"/>.</param>
    public async Task StartAsync(CancellationToken stopping)
    {
        Task ready = _process.StartAsync(stopping);
        SayId();
        await ready;
        _restarting = RestartAsync(stopping);
    }

    /// <summary>Shuts it down, or kills it when that takes too long.</summary>
    public async Task StopAsync()
    {
        _process.TrySend(Signal.Terminate);
        try
        {
            await (_restarting.IsCompleted && _process.IsStarted ? _process.ExitAsync() : _restarting).WaitAsync(ShutdownLimit);
        }
        catch (TimeoutException)
        {
            Console.WriteLine($"{_name} does not shut down: it is killed.");
        }
        await _process.DisposeAsync();
    }

    private async Task RestartAsync(CancellationToken stopping)
    {
        while (true)
        {
            int exitCode = await _process.ExitAsync(Timeout.InfiniteTimeSpan);
            // A Ctrl-C may reach the process before this program.
            await Task.Delay(PauseBeforeRestart, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
                return;
            string ended = _isDeclaredDead ? "was declared dead and ended itself" : $"ended with code {exitCode}";
            Console.WriteLine($"{_name} {ended}; it is started again.");
            _isDeclaredDead = false;
            _process.Launch();
            SayId();
        }
    }

    /// <summary>Shows a line; not the hundreds with which a silo that was declared dead ends, as one line says so.</summary>
    private void Show(string line)
    {
        _isDeclaredDead |= line.Contains(DeclaredDead, StringComparison.Ordinal);
        if (!_isDeclaredDead)
            Console.WriteLine($"{_name} | {line}");
    }

    private void SayId() => Console.WriteLine($"{_name} is process {_process.Id}.");
}
