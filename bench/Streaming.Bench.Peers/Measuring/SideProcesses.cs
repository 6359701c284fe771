namespace Streaming.Bench.Peers.Measuring;

/// <summary>The processes of a measurement, started when first needed.</summary>
internal sealed class SideProcesses : IAsyncDisposable
{
    private readonly Dictionary<string, SideProcess> _started = [];

    /// <summary>A candidate's process.</summary>
    public async Task<SideProcess> OfAsync(Candidate candidate, CancellationToken cancellation)
    {
        if (_started.TryGetValue(candidate.Process, out SideProcess? known))
            return known;
        await Console.Error.WriteLineAsync($"starting {candidate.Process}");
        return _started[candidate.Process] = await SideProcess.StartAsync(candidate.Arguments, candidate.Environment, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SideProcess side in _started.Values)
            await side.DisposeAsync();
    }
}
