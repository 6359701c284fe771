using Streaming.Contracts;

namespace Streaming.Gateway.Watching;

/// <summary>Limits the concurrent reads of the log that one identity has at this gateway; the others wait here, not at the store.</summary>
internal sealed class ReadLimiter
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Identity> _identities = [];

    /// <summary>The number of identities that read or wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _identities.Count;
        }
    }

    /// <summary>
    /// Waits until fewer than <see cref="Limits.ParallelReads"/> reads of the identity run. Dispose the result after the read.
    /// </summary>
    public async Task<IDisposable> EnterAsync(string identity, CancellationToken cancellation)
    {
        Identity entry;
        lock (_gate)
        {
            if (!_identities.TryGetValue(identity, out entry!))
                _identities.Add(identity, entry = new Identity());
            entry.Users++;
        }
        try
        {
            await entry.Places.WaitAsync(cancellation);
        }
        catch
        {
            Leave(identity, entry);
            throw;
        }
        return new Permit(() =>
        {
            entry.Places.Release();
            Leave(identity, entry);
        });
    }

    private void Leave(string identity, Identity entry)
    {
        lock (_gate)
        {
            if (--entry.Users == 0)
                _identities.Remove(identity);
        }
    }

    private sealed class Identity
    {
        public SemaphoreSlim Places { get; } = new(Limits.ParallelReads);

        public int Users { get; set; }
    }

    private sealed class Permit(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
