using System.Collections.Concurrent;

namespace Streaming.Storage.Azure;

/// <summary>
/// Heads of running conversations, as this process last wrote or read them, so that a group of tokens costs one request. A stale head does
/// no harm: the store refuses the write, and the head is read.
/// </summary>
internal sealed class HeadCache
{
    private const int MaxHeads = 4096;

    private readonly ConcurrentDictionary<string, AzureHead> _heads = [];

    /// <summary>The cached head, or null.</summary>
    public AzureHead? Find(string id) => _heads.GetValueOrDefault(id);

    /// <summary>Caches the head of a running conversation, and forgets one that is not running.</summary>
    public void Set(AzureHead stored)
    {
        if (!stored.Head.Running)
        {
            Forget(stored.Head.Id);
            return;
        }

        if (_heads.Count >= MaxHeads)
            _heads.Clear(); // Nothing tells when a conversation continues at another silo. The others cost one read each.
        _heads[stored.Head.Id] = stored;
    }

    /// <summary>Forgets a head.</summary>
    public void Forget(string id) => _heads.TryRemove(id, out _);
}
