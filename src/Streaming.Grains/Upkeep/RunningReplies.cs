using System.Collections.Concurrent;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// The replies that run on this silo, so that an orderly stop ends them between two steps: each stores what it has, and its
/// conversation goes on at another silo.
/// </summary>
internal sealed class RunningReplies(ISiloStatusOracle membership, ILocalSiloDetails silo)
{
    private readonly ConcurrentDictionary<CancellationTokenSource, Task> _running = new();
    private int _successors;

    /// <summary>Whether the silo leaves: nothing new begins here.</summary>
    public bool IsLeaving { get; private set; }

    /// <summary>Adds a reply until it ends.</summary>
    public async Task Track(Task reply, CancellationTokenSource leaving)
    {
        _running[leaving] = reply;
        try
        {
            await reply;
        }
        finally
        {
            _running.TryRemove(leaving, out _);
        }
    }

    /// <summary>From now on nothing new begins here.</summary>
    public void Close() => IsLeaving = true;

    /// <summary>Ends all that run, between two steps, and waits until they have stored what they have.</summary>
    public async Task EndAllAsync(CancellationToken cancellation)
    {
        foreach (CancellationTokenSource leaving in _running.Keys)
            await leaving.CancelAsync();
        await Task.WhenAll(_running.Values).WaitAsync(cancellation);
    }

    /// <summary>Another active silo, each in turn; null when this is the only one.</summary>
    public SiloAddress? FindSuccessor()
    {
        SiloAddress[] others = [.. membership.GetActiveSilos().Where(address => !address.Equals(silo.SiloAddress)).Order()];
        return others.Length == 0 ? null : others[(int)((uint)Interlocked.Increment(ref _successors) % (uint)others.Length)];
    }
}
