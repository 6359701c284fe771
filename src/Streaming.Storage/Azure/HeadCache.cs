using System.Collections.Concurrent;

namespace Streaming.Storage.Azure;

/// <summary>
/// Heads of what runs, as this process last wrote or read them, so that a group of tokens costs one request. A head that is out of date does no harm: the
/// store refuses the write, and the head is read.
/// </summary>
internal sealed class HeadCache
{
    private const int MaxHeads = 4096;

    private readonly ConcurrentDictionary<string, AzureHead> _heads = [];

    /// <summary>The head, if it is known.</summary>
    public AzureHead? Find(string id) => _heads.GetValueOrDefault(id);

    /// <summary>Keeps what runs, and forgets what does not.</summary>
    public void Set(AzureHead stored)
    {
        if (!stored.Head.Running)
        {
            Forget(stored.Head.Id);
            return;
        }

        if (_heads.Count >= MaxHeads)
            _heads.Clear(); // Conversations that went on elsewhere are never said to end: begin anew, at one reading each.
        _heads[stored.Head.Id] = stored;
    }

    /// <summary>Forgets a head.</summary>
    public void Forget(string id) => _heads.TryRemove(id, out _);
}
