namespace Streaming.Bench.Peers.Measuring;

/// <summary>The runners of a measurement, each started when it is first needed.</summary>
internal sealed class RunnerProcesses : IAsyncDisposable
{
    private readonly Dictionary<string, RunnerProcess> _started = [];

    /// <summary>The process of a setting.</summary>
    public async Task<RunnerProcess> OfAsync(BackendSetting setting, CancellationToken cancellation)
    {
        if (_started.TryGetValue(setting.Process, out RunnerProcess? known))
            return known;
        await Console.Error.WriteLineAsync($"starting {setting.Process}");
        return _started[setting.Process] = await RunnerProcess.StartAsync(setting.Arguments, setting.Environment, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RunnerProcess runner in _started.Values)
            await runner.DisposeAsync();
    }
}
