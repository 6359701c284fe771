namespace Streaming.Training.Vocabularies;

/// <summary>
/// Learns merges (Sennrich et al. 2016): again and again the pair of neighbours that is most frequent. All words lie in one
/// linked list of tokens, each pair knows its places, and counts change only where something was merged, so the work
/// grows hardly faster than the number of different words.
/// </summary>
internal sealed class BytePairMerger
{
    private const int None = -1;

    private readonly BytePairVocabulary _vocabulary;
    private readonly int[] _token,
        _next,
        _previous; // by place; None at a word's ends, and as the token of a place that was merged away
    private readonly long[] _weight; // how often the place's word occurs
    private readonly Dictionary<(int Left, int Right), Pair> _pairs = [];
    private readonly PriorityQueue<(int Left, int Right), (long, int, int)> _queue = new();

    private sealed class Pair
    {
        public long Count;
        public readonly List<int> Places = []; // of the left token; some are out of date
    }

    /// <param name="vocabulary">Where the merges go.</param>
    /// <param name="words">Words in UTF-8 and how often each occurs.</param>
    public BytePairMerger(BytePairVocabulary vocabulary, IEnumerable<(byte[] Word, long Count)> words)
    {
        _vocabulary = vocabulary;
        var all = words.ToList();
        int places = all.Sum(w => w.Word.Length);
        (_token, _next, _previous, _weight) = (new int[places], new int[places], new int[places], new long[places]);
        int place = 0;
        foreach ((byte[] word, long count) in all)
        {
            for (int i = 0; i < word.Length; i++, place++)
            {
                _token[place] = vocabulary.IdOf(word[i]);
                _previous[place] = i == 0 ? None : place - 1;
                _next[place] = i == word.Length - 1 ? None : place + 1;
                _weight[place] = count;
            }
        }
        for (int p = 0; p < places; p++)
            Count(p, 1);
        foreach (((int Left, int Right) pair, Pair found) in _pairs)
            Enqueue(pair, found.Count);
    }

    /// <summary>Merges until the vocabulary has so many tokens or all words are whole.</summary>
    public void Run(int size)
    {
        var spellings = new HashSet<string>(Enumerable.Range(0, _vocabulary.Count).Select(_vocabulary.Spelling), StringComparer.Ordinal);
        while (_vocabulary.Count < size && _queue.TryDequeue(out (int Left, int Right) pair, out (long Count, int, int) place))
        {
            if (!_pairs.TryGetValue(pair, out Pair? found))
                continue; // it has been merged
            if (found.Count != -place.Count) // it has changed since it was put there
            {
                Enqueue(pair, found.Count);
                continue;
            }
            // A second way to spell a known token would make ids and ranks part: such a pair stays apart.
            if (spellings.Add(_vocabulary.Spelling(pair.Left) + _vocabulary.Spelling(pair.Right)))
                Merge(pair, found, _vocabulary.Add(pair.Left, pair.Right));
        }
    }

    private void Merge((int Left, int Right) pair, Pair found, int made)
    {
        var changed = new HashSet<(int, int)>();
        found.Places.Sort(); // as a tokenizer does, from left to right: of three equal tokens the first two
        foreach (int left in found.Places)
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

        void Discount(int place)
        {
            if (place != None && _next[place] != None)
                _pairs[(_token[place], _token[_next[place]])].Count -= _weight[place];
        }

        void Note(int place)
        {
            if (place == None || _next[place] == None)
                return;
            Count(place, 1);
            changed.Add((_token[place], _token[_next[place]]));
        }
    }

    private void Count(int place, int sign)
    {
        if (_next[place] == None)
            return;
        (int, int) pair = (_token[place], _token[_next[place]]);
        if (!_pairs.TryGetValue(pair, out Pair? found))
            _pairs[pair] = found = new Pair();
        found.Count += sign * _weight[place];
        found.Places.Add(place);
    }

    private void Enqueue((int Left, int Right) pair, long count)
    {
        if (count > 0)
            _queue.Enqueue(pair, (-count, pair.Left, pair.Right));
    }
}
