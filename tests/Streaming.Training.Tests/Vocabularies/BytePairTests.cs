using System.Text;
using Streaming.Inference.Tokenizing;
using Streaming.Training.DataLoading;
using Streaming.Training.Vocabularies;

namespace Streaming.Training.Tests.Vocabularies;

public class BytePairTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Learns_the_merges_of_the_naive_algorithm(int seed)
    {
        (byte[] Word, long Count)[] words = Words(seed, 60, letters: 3, longest: 9);
        BytePairVocabulary learnt = Learn(words, 330);
        Assert.Equal(Naive(words, 330), learnt.Merges);
        Assert.True(learnt.Merges.Count > 30);
    }

    [Fact]
    public void Writes_a_tokenizer_that_the_engine_reads_and_that_applies_the_learnt_merges()
    {
        (byte[] Word, long Count)[] words =
        [
            .. "the cat and the dog and the caterpillar ate the date then there were that they"
                .Split(' ')
                .CountBy(w => w)
                .Select(w => (Encoding.UTF8.GetBytes(" " + w.Key), (long)w.Value)),
        ];
        BytePairVocabulary learnt = Learn(words, 290);
        using var folder = new TemporaryFolder();
        TokenizerWriter.Write(folder.Path, learnt, context: 128);

        var tokenizer = Tokenizer.Load(folder.Path);

        Assert.Equal(290, tokenizer.Size);
        Assert.Equal(0, tokenizer.BosId);
        Assert.Equal([0, 1, 2, 3], tokenizer.ControlIds.Order());
        foreach ((byte[] word, _) in words)
            Assert.Equal(Applied(learnt, word), tokenizer.Encode(Encoding.UTF8.GetString(word), parseControl: false, addSpecial: false));
        const string text = "Größe 12,5 € – 😀\n\n  thé cat's <|im_end|>";
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, parseControl: false, addSpecial: true)));
        Assert.Equal([0, 2], tokenizer.Encode("<|im_end|>", parseControl: true, addSpecial: true));
    }

    [Fact]
    public void Stops_when_every_word_is_one_token() =>
        Assert.Equal(3, Learn([("ab"u8.ToArray(), 1), ("abcd"u8.ToArray(), 1)], 1000).Merges.Count);

    private static BytePairVocabulary Learn(IEnumerable<(byte[], long)> words, int size)
    {
        var vocabulary = new BytePairVocabulary(DocumentEncoder.ControlTokens);
        new BytePairMerger(vocabulary, words).Run(size);
        return vocabulary;
    }

    private static (byte[] Word, long Count)[] Words(int seed, int count, int letters, int longest)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ =>
                    (
                        Enumerable.Range(0, 1 + random.Next(longest)).Select(_ => (byte)('a' + random.Next(letters))).ToArray(),
                        1L + random.Next(20)
                    )
                ),
        ];
    }

    /// <summary>
    /// The algorithm by definition: it recounts all pairs and merges the most frequent one, the smallest among equals. A pair that spells
    /// an existing token is skipped.
    /// </summary>
    private static List<(int, int)> Naive((byte[] Word, long Count)[] words, int size)
    {
        var vocabulary = new BytePairVocabulary(DocumentEncoder.ControlTokens);
        List<int>[] all = [.. words.Select(w => w.Word.Select(vocabulary.IdOf).ToList())];
        var refused = new HashSet<(int, int)>();
        while (vocabulary.Count < size)
        {
            var counts = new Dictionary<(int, int), long>();
            for (int w = 0; w < all.Length; w++)
            {
                for (int i = 0; i + 1 < all[w].Count; i++)
                    counts[(all[w][i], all[w][i + 1])] = counts.GetValueOrDefault((all[w][i], all[w][i + 1])) + words[w].Count;
            }
            (int Left, int Right)[] best =
            [
                .. counts
                    .Where(c => !refused.Contains(c.Key))
                    .OrderByDescending(c => c.Value)
                    .ThenBy(c => c.Key)
                    .Select(c => c.Key)
                    .Take(1),
            ];
            if (best.Length == 0)
                break;
            (int left, int right) = best[0];
            string spelling = vocabulary.Spelling(left) + vocabulary.Spelling(right);
            if (Enumerable.Range(0, vocabulary.Count).Any(id => vocabulary.Spelling(id) == spelling))
            {
                refused.Add((left, right));
                continue;
            }
            int made = vocabulary.Add(left, right);
            foreach (List<int> word in all)
                Replace(word, left, right, made);
        }
        return [.. vocabulary.Merges];
    }

    private static List<int> Applied(BytePairVocabulary vocabulary, byte[] word)
    {
        List<int> ids = [.. word.Select(vocabulary.IdOf)];
        for (int rank = 0; rank < vocabulary.Merges.Count; rank++)
            Replace(ids, vocabulary.Merges[rank].Left, vocabulary.Merges[rank].Right, vocabulary.Control.Count + 256 + rank);
        return ids;
    }

    private static void Replace(List<int> word, int left, int right, int made)
    {
        for (int i = 0; i + 1 < word.Count; i++)
        {
            if (word[i] != left || word[i + 1] != right)
                continue;
            word[i] = made;
            word.RemoveAt(i + 1);
        }
    }
}
