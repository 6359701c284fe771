using System.Collections.Concurrent;

namespace Streaming.Grains.Upkeep;

/// <summary>
/// The replies that run on this silo, so that an orderly stop ends them while their workers can still be called: each stores what
/// it has, and goes on at the next start.
/// </summary>
internal sealed class RunningReplies
{
    private readonly ConcurrentDictionary<CancellationTokenSource, Task> _running = new();

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

    /// <summary>Ends all that run, between two steps, and waits until they have stored what they have.</summary>
    public async Task LeaveAsync(CancellationToken cancellation)
    {
        IsLeaving = true;
        foreach (CancellationTokenSource leaving in _running.Keys)
            await leaving.CancelAsync();
        await Task.WhenAll(_running.Values).WaitAsync(cancellation);
    }
}
