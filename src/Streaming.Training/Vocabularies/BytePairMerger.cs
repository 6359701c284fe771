namespace Streaming.Training.Vocabularies;

/// <summary>
/// Learns byte-pair merges (Sennrich et al. 2016) by repeatedly merging the most frequent pair of neighbours. All words are in one linked
/// list of tokens, each pair knows its occurrences, and counts change only around a merge, so the time is nearly linear in the number of
/// different words.
/// </summary>
internal sealed class BytePairMerger
{
    private const int None = -1;

    private readonly BytePairVocabulary _vocabulary;
    private readonly int[] _token,
        _next,
        _previous; // by index; None at a word's ends, and as the token of an index that was merged away
    private readonly long[] _weight; // by index: how often its word occurs
    private readonly Dictionary<(int Left, int Right), Pair> _pairs = [];
    private readonly PriorityQueue<(int Left, int Right), (long, int, int)> _queue = new();

    private sealed class Pair
    {
        public long Count;
        public readonly List<int> Indices = []; // of the left token; some are out of date
    }

    /// <param name="vocabulary">Receives the merges.</param>
    /// <param name="words">Words in UTF-8 and how often each occurs.</param>
    public BytePairMerger(BytePairVocabulary vocabulary, IEnumerable<(byte[] Word, long Count)> words)
    {
        _vocabulary = vocabulary;
        var all = words.ToList();
        int total = all.Sum(w => w.Word.Length);
        (_token, _next, _previous, _weight) = (new int[total], new int[total], new int[total], new long[total]);
        int index = 0;
        foreach ((byte[] word, long count) in all)
        {
            for (int i = 0; i < word.Length; i++, index++)
            {
                _token[index] = vocabulary.IdOf(word[i]);
                _previous[index] = i == 0 ? None : index - 1;
                _next[index] = i == word.Length - 1 ? None : index + 1;
                _weight[index] = count;
            }
        }
        for (int i = 0; i < total; i++)
            Count(i);
        foreach (((int Left, int Right) pair, Pair found) in _pairs)
            Enqueue(pair, found.Count);
    }

    /// <summary>Merges until the vocabulary has <paramref name="size"/> tokens or every word is one token.</summary>
    public void Run(int size)
    {
        var spellings = new HashSet<string>(Enumerable.Range(0, _vocabulary.Count).Select(_vocabulary.Spelling), StringComparer.Ordinal);
        while (_vocabulary.Count < size && _queue.TryDequeue(out (int Left, int Right) pair, out (long Count, int, int) priority))
        {
            if (!_pairs.TryGetValue(pair, out Pair? found))
                continue; // the pair has been merged
            if (found.Count != -priority.Count) // the count has changed since the pair was queued
            {
                Enqueue(pair, found.Count);
                continue;
            }
            // A pair that spells an existing token is not merged: two ids would have one spelling.
            if (spellings.Add(_vocabulary.Spelling(pair.Left) + _vocabulary.Spelling(pair.Right)))
                Merge(pair, found, _vocabulary.Add(pair.Left, pair.Right));
        }
    }

    private void Merge((int Left, int Right) pair, Pair found, int made)
    {
        var changed = new HashSet<(int, int)>();
        found.Indices.Sort(); // from left to right, as a tokenizer merges: of three equal tokens, the first two
        foreach (int left in found.Indices)
        {
            int right = _token[left] == pair.Left ? _next[left] : None;
            if (right == None || _token[right] != pair.Right)
                continue;
            Discount(_previous[left]);
            Discount(left);
            Discount(right);
            _token[left] = made;
            _token[right] = None;
            _next[left] = _next[right];
            if (_next[left] != None)
                _previous[_next[left]] = left;
            Note(_previous[left]);
            Note(left);
        }
        _pairs.Remove(pair);
        foreach ((int, int) each in changed)
            Enqueue(each, _pairs[each].Count);

        void Discount(int index)
        {
            if (index != None && _next[index] != None)
                _pairs[(_token[index], _token[_next[index]])].Count -= _weight[index];
        }

        void Note(int index)
        {
            if (index == None || _next[index] == None)
                return;
            Count(index);
            changed.Add((_token[index], _token[_next[index]]));
        }
    }

    private void Count(int index)
    {
        if (_next[index] == None)
            return;
        (int, int) pair = (_token[index], _token[_next[index]]);
        if (!_pairs.TryGetValue(pair, out Pair? found))
            _pairs[pair] = found = new Pair();
        found.Count += _weight[index];
        found.Indices.Add(index);
    }

    private void Enqueue((int Left, int Right) pair, long count)
    {
        if (count > 0)
            _queue.Enqueue(pair, (-count, pair.Left, pair.Right));
    }
}
