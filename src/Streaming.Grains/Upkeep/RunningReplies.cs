using System.Collections.Concurrent;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// The replies that run on this silo, so that an orderly stop ends them between two steps: each stores what it has, and its
/// conversation goes on at another silo.
/// </summary>
internal sealed class RunningReplies(ISiloStatusOracle membership, ILocalSiloDetails silo, TimeProvider time) : IDisposable
{
    /// <summary>How long replies have for ending between two steps; then they are ended in the middle of one.</summary>
    private static readonly TimeSpan StepLimit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _closed = new();
    private readonly ConcurrentDictionary<CancellationTokenSource, Task> _running = new();
    private int _successors;

    /// <summary>Cancelled when the silo leaves: nothing new begins here, and workers are asked to hand back what runs.</summary>
    public CancellationToken Leaving => _closed.Token;

    /// <summary>Whether the silo leaves.</summary>
    public bool IsLeaving => _closed.IsCancellationRequested;

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
    public Task CloseAsync() => _closed.CancelAsync();

    /// <summary>Waits until all that run have been handed back and have stored what they have; ends those that are not in time.</summary>
    public async Task EndAllAsync(CancellationToken cancellation)
    {
        Task all = Task.WhenAll(_running.Values);
        if (!await all.CompletesWithinAsync(StepLimit, time))
            await Task.WhenAll(_running.Keys.Select(leaving => leaving.CancelAsync()));
        await all.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();

    /// <summary>Another active silo, each in turn; null when this is the only one.</summary>
    public SiloAddress? FindSuccessor()
    {
        SiloAddress[] others = [.. membership.GetActiveSilos().Where(address => !address.Equals(silo.SiloAddress)).Order()];
        return others.Length == 0 ? null : others[(int)((uint)Interlocked.Increment(ref _successors) % (uint)others.Length)];
    }
}
