namespace Streaming.Training.Evaluation;

/// <summary>Measures how much a text repeats itself.</summary>
public static class RepeatedNGrams
{
    /// <summary>
    /// For each segment of a text, the share of n-grams that occur earlier in the text. It approaches 1 in a loop; human prose has a few
    /// per cent.
    /// </summary>
    /// <param name="ids">The text's token ids.</param>
    /// <param name="length">Tokens in an n-gram.</param>
    /// <param name="segment">N-grams in a segment; the last segment may be shorter.</param>
    /// <exception cref="ArgumentOutOfRangeException">A length is below 1.</exception>
    public static IReadOnlyList<double> Shares(IReadOnlyList<int> ids, int length, int segment)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(segment, 1);
        (HashSet<NGram>? known, List<double>? shares) = (new HashSet<NGram>(), new List<double>());
        int[] all = [.. ids];
        int count = Math.Max(0, all.Length - length + 1);
        for (int from = 0; from < count; from += segment)
        {
            int to = Math.Min(from + segment, count),
                repeated = 0;
            for (int i = from; i < to; i++)
            {
                if (!known.Add(new NGram(all, i, length)))
                    repeated++;
            }
            shares.Add((double)repeated / (to - from));
        }
        return shares;
    }

    private readonly struct NGram(int[] all, int from, int length) : IEquatable<NGram>
    {
        private ReadOnlySpan<int> Tokens => all.AsSpan(from, length);

        public bool Equals(NGram other) => Tokens.SequenceEqual(other.Tokens);

        public override bool Equals(object? obj) => obj is NGram other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (int id in Tokens)
                hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
