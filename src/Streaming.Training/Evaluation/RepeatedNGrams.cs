namespace Streaming.Training.Evaluation;

/// <summary>How much of a text says again what it has said before.</summary>
public static class RepeatedNGrams
{
    /// <summary>
    /// The share of runs of <paramref name="length"/> tokens that the text had before, for each segment of a text. In a loop it goes
    /// to 1; people's prose has a few per cent.
    /// </summary>
    /// <param name="ids">The text's tokens.</param>
    /// <param name="length">Tokens of a run.</param>
    /// <param name="segment">Runs of a segment; the last may be shorter.</param>
    public static IReadOnlyList<double> Shares(IReadOnlyList<int> ids, int length, int segment)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(segment, 1);
        var (known, shares) = (new HashSet<Run>(), new List<double>());
        int[] all = [.. ids];
        int runs = Math.Max(0, all.Length - length + 1);
        for (int from = 0; from < runs; from += segment)
        {
            int to = Math.Min(from + segment, runs),
                repeated = 0;
            for (int i = from; i < to; i++)
            {
                if (!known.Add(new Run(all, i, length)))
                    repeated++;
            }
            shares.Add((double)repeated / (to - from));
        }
        return shares;
    }

    private readonly struct Run(int[] all, int from, int length) : IEquatable<Run>
    {
        private ReadOnlySpan<int> Tokens => all.AsSpan(from, length);

        public bool Equals(Run other) => Tokens.SequenceEqual(other.Tokens);

        public override bool Equals(object? obj) => obj is Run other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (int id in Tokens)
                hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
