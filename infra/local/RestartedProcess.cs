using Streaming.Tooling.Processes;

namespace Streaming.Local;

/// <summary>A .NET program that is started again whenever it ends, until it is stopped.</summary>
/// <param name="name">Its name in the output.</param>
/// <param name="command">Its assembly and arguments.</param>
internal sealed class RestartedProcess(string name, IEnumerable<string> command)
{
    /// <summary>A process that does not shut down within this time is killed; a silo's own limit is 20 s.</summary>
    private static readonly TimeSpan ShutdownLimit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseBeforeRestart = TimeSpan.FromSeconds(1);

    private readonly ServerProcess _process = new("dotnet", command)
    {
        LinesKept = 40,
        LineWritten = line => Console.WriteLine($"{name} | {line}"),
    };
    private Task _restarting = Task.CompletedTask;

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
            Console.WriteLine($"{name} does not shut down: it is killed.");
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
            Console.WriteLine($"{name} ended with code {exitCode} and is started again.");
            _process.Launch();
            SayId();
        }
    }

    private void SayId() => Console.WriteLine($"{name} is process {_process.Id}.");
}
