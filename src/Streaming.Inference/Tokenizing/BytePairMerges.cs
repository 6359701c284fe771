using System.Buffers;
using System.Runtime.InteropServices;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// Byte-pair merging (Sennrich et al. 2016): the adjacent pair with the lowest rank becomes one token, leftmost first, until no pair has a
/// rank. Short words are merged by repeated search for the lowest rank, which is fastest for a few symbols. Longer pieces use a linked
/// list and a bucket of places per rank, in nearly linear time, so that a million equal letters take no longer than other text.
/// </summary>
internal sealed class BytePairMerges
{
    private const int Gone = -1,
        None = int.MaxValue;
    private const int LongestWord = 48;

    private readonly Dictionary<long, (int Rank, int Id)> _merges;

    /// <param name="merges">Rank, unique, and id of the merged token, by <see cref="Pair"/>.</param>
    public BytePairMerges(Dictionary<long, (int Rank, int Id)> merges) => _merges = merges;

    /// <summary>
    /// The unique key of a pair. It is multiplied by an odd factor, because a long's hash code is the xor of its halves: similar ids would
    /// collide, and a dictionary of merges would degrade to a list.
    /// </summary>
    public static long Pair(int left, int right) => unchecked((((long)left << 32) | (uint)right) * (long)0x9E3779B97F4A7C15);

    /// <summary>Merges a piece in place; returns the number of tokens left at its beginning.</summary>
    public int Merge(Span<int> ids) => ids.Length <= LongestWord ? MergeWord(ids) : new LongPiece(_merges).Merge(ids);

    private int MergeWord(Span<int> ids)
    {
        Span<int> ranks = stackalloc int[LongestWord]; // of each id with its right neighbour
        for (int i = 0; i + 1 < ids.Length; i++)
            ranks[i] = RankOf(ids[i], ids[i + 1]);
        int count = ids.Length;
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                if (ranks[i] < ranks[best])
                    best = i;
            }
            if (ranks[best] == None)
                break;
            ids[best] = _merges[Pair(ids[best], ids[best + 1])].Id;
            ids[(best + 2)..count].CopyTo(ids[(best + 1)..]);
            if (best + 2 < count)
                ranks[(best + 2)..(count - 1)].CopyTo(ranks[(best + 1)..]);
            count--;
            if (best > 0)
                ranks[best - 1] = RankOf(ids[best - 1], ids[best]);
            if (best + 1 < count)
                ranks[best] = RankOf(ids[best], ids[best + 1]);
        }
        return count;
    }

    private int RankOf(int left, int right) => _merges.TryGetValue(Pair(left, right), out (int Rank, int Id) merge) ? merge.Rank : None;

    /// <summary>Merges one long piece.</summary>
    private ref struct LongPiece(Dictionary<long, (int Rank, int Id)> merges)
    {
        private readonly PriorityQueue<Bucket, int> _waiting = new(); // by rank
        private readonly Dictionary<int, Bucket> _buckets = [];
        private static readonly long NoPair = Pair(Gone, Gone);

        private long _lastPair = NoPair; // caches the lookup for runs of equal letters
        private Bucket? _lastBucket;

        public int Merge(Span<int> ids)
        {
            int[] next = ArrayPool<int>.Shared.Rent(ids.Length),
                previous = ArrayPool<int>.Shared.Rent(ids.Length);
            for (int i = 0; i < ids.Length; i++)
            {
                next[i] = i + 1 < ids.Length ? i + 1 : -1;
                previous[i] = i - 1;
                if (i > 0)
                    Add(ids[i - 1], ids[i], i - 1);
            }
            while (_waiting.TryDequeue(out Bucket? bucket, out int rank))
            {
                bool goesFirst = true; // until a merge creates a pair of a lower rank
                while (goesFirst && bucket.TryNext(out int left))
                {
                    int right = next[left];
                    if (ids[left] < 0 || right < 0 || Pair(ids[left], ids[right]) != bucket.Pair)
                        continue; // one of the two has been merged
                    ids[left] = bucket.Merged;
                    ids[right] = Gone;
                    next[left] = next[right];
                    if (next[right] >= 0)
                    {
                        previous[next[right]] = left;
                        Add(ids[left], ids[next[left]], left);
                    }
                    if (previous[left] >= 0)
                        Add(ids[previous[left]], ids[left], previous[left]);
                    goesFirst = !_waiting.TryPeek(out _, out int lowest) || lowest > rank;
                }
                if (goesFirst)
                    Remove(rank);
                else
                    _waiting.Enqueue(bucket, rank);
            }
            int count = 0;
            for (int i = 0; i >= 0; i = next[i])
                ids[count++] = ids[i];
            ArrayPool<int>.Shared.Return(next);
            ArrayPool<int>.Shared.Return(previous);
            return count;
        }

        private void Add(int left, int right, int place)
        {
            long pair = Pair(left, right);
            if (pair != _lastPair)
            {
                _lastPair = pair;
                _lastBucket = merges.TryGetValue(pair, out (int Rank, int Id) merge) ? BucketOf(pair, merge.Rank, merge.Id) : null;
            }
            _lastBucket?.Add(place);
        }

        private void Remove(int rank)
        {
            _buckets.Remove(rank);
            _lastPair = NoPair; // the bucket may be this one
        }

        private Bucket BucketOf(long pair, int rank, int merged)
        {
            ref Bucket? bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_buckets, rank, out _);
            if (bucket is null)
            {
                bucket = new Bucket(pair, merged);
                _waiting.Enqueue(bucket, rank);
            }
            return bucket;
        }
    }

    /// <summary>The places of a pair, returned from left to right.</summary>
    private sealed class Bucket(long pair, int merged)
    {
        private readonly List<int> _ascending = [];
        private PriorityQueue<int, int>? _others; // places that were added after one further to the right
        private int _given;

        /// <summary>The pair.</summary>
        public long Pair { get; } = pair;

        /// <summary>The merged token.</summary>
        public int Merged { get; } = merged;

        public void Add(int place)
        {
            if (_ascending.Count == 0 || place > _ascending[^1])
                _ascending.Add(place);
            else
                (_others ??= new()).Enqueue(place, place);
        }

        /// <summary>The leftmost remaining place.</summary>
        public bool TryNext(out int place)
        {
            bool some = _given < _ascending.Count;
            if (_others is not null && _others.TryPeek(out place, out _) && (!some || place < _ascending[_given]))
            {
                _others.Dequeue();
                return true;
            }
            place = some ? _ascending[_given++] : -1;
            return some;
        }
    }
}
