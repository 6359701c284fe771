using System.Collections.Concurrent;

namespace Streaming.Grains.Shutdown;

/// <summary>
/// The replies that run on this silo, so that a graceful shutdown ends them between two steps: each stores its tokens, and its
/// conversation continues at another silo.
/// </summary>
internal sealed class RunningReplies(ISiloStatusOracle membership, ILocalSiloDetails silo, TimeProvider time) : IDisposable
{
    /// <summary>How long replies have to end between two steps; after it they are cancelled within one.</summary>
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _shuttingDown = new();
    private readonly ConcurrentDictionary<CancellationTokenSource, Task> _running = new();
    private int _successors;

    /// <summary>Cancelled when the silo shuts down: no reply begins here, and workers are asked to hand back those that run.</summary>
    public CancellationToken ShuttingDown => _shuttingDown.Token;

    /// <summary>Whether the silo shuts down.</summary>
    public bool IsShuttingDown => _shuttingDown.IsCancellationRequested;

    /// <summary>Registers a reply until it ends.</summary>
    /// <param name="reply">The task that runs it.</param>
    /// <param name="cancellation">Cancels it.</param>
    public async Task Track(Task reply, CancellationTokenSource cancellation)
    {
        _running[cancellation] = reply;
        try
        {
            await reply;
        }
        finally
        {
            _running.TryRemove(cancellation, out _);
        }
    }

    /// <summary>From now on no reply begins here.</summary>
    public Task BeginShutdownAsync() => _shuttingDown.CancelAsync();

    /// <summary>Waits until all replies have been handed back and have stored their tokens; cancels those that take too long.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        var all = Task.WhenAll(_running.Values);
        if (!await all.CompletesWithinAsync(StepTimeout, time))
            await Task.WhenAll(_running.Keys.Select(reply => reply.CancelAsync()));
        await all.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _shuttingDown.Dispose();

    /// <summary>Another active silo, round robin; null when this is the only one.</summary>
    public SiloAddress? FindSuccessor()
    {
        SiloAddress[] others = [.. membership.GetActiveSilos().Where(address => !address.Equals(silo.SiloAddress)).Order()];
        return others.Length == 0 ? null : others[(int)((uint)Interlocked.Increment(ref _successors) % (uint)others.Length)];
    }
}
