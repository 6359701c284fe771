namespace Streaming.Inference.Tokenizing;

/// <summary>
/// Byte-pair merging (Sennrich et al. 2016): of all neighbouring pairs the one with the lowest rank becomes one token, the
/// leftmost first, until no pair has a rank. A linked list and a priority queue make it n log n, so that a million equal
/// letters hold nobody up.
/// </summary>
internal sealed class BytePairMerges
{
    private readonly Dictionary<long, (int Rank, int Id)> _merges;

    /// <param name="merges">Left id in the upper, right id in the lower 32 bits, to the merge's rank and the merged token's id.</param>
    public BytePairMerges(Dictionary<long, (int Rank, int Id)> merges) => _merges = merges;

    /// <summary>The key of a pair.</summary>
    public static long Pair(int left, int right) => ((long)left << 32) | (uint)right;

    /// <summary>Merges a piece in place; answers how many tokens are left at its beginning.</summary>
    public int Merge(Span<int> ids)
    {
        if (ids.Length < 2)
            return ids.Length;
        int[] next = new int[ids.Length], previous = new int[ids.Length];
        var queue = new PriorityQueue<long, ulong>(); // the pair as it was queued, by rank and then place
        for (int i = 0; i < ids.Length; i++)
        {
            next[i] = i + 1 < ids.Length ? i + 1 : -1;
            previous[i] = i - 1;
            if (i > 0)
                Enqueue(queue, ids, i - 1, i);
        }
        while (queue.TryDequeue(out long pair, out ulong priority))
        {
            int left = (int)(uint)priority, right = next[left];
            if (ids[left] < 0 || right < 0 || Pair(ids[left], ids[right]) != pair)
                continue; // one of the two was merged meanwhile
            ids[left] = _merges[pair].Id;
            ids[right] = Gone;
            next[left] = next[right];
            if (next[right] >= 0)
            {
                previous[next[right]] = left;
                Enqueue(queue, ids, left, next[left]);
            }
            if (previous[left] >= 0)
                Enqueue(queue, ids, previous[left], left);
        }
        int count = 0;
        for (int i = 0; i >= 0; i = next[i])
            ids[count++] = ids[i];
        return count;
    }

    private const int Gone = -1;

    private void Enqueue(PriorityQueue<long, ulong> queue, ReadOnlySpan<int> ids, int left, int right)
    {
        long pair = Pair(ids[left], ids[right]);
        if (_merges.TryGetValue(pair, out (int Rank, int Id) merge))
            queue.Enqueue(pair, ((ulong)(uint)merge.Rank << 32) | (uint)left);
    }
}
