namespace Streaming.Inference.Sampling;

/// <summary>A token's log-probability under the model, unaffected by sampling.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">
/// Natural logarithm of the softmax of the model's logits, before bias, penalties, temperature and filters.
/// </param>
public readonly record struct TokenLogProbability(int Id, double LogProbability);

/// <summary>Log-probabilities of a sampled token and of the most likely tokens at its position.</summary>
/// <param name="Sampled">The sampled token's.</param>
/// <param name="Top">The requested number of most likely tokens, most likely first, ties by the lowest id.</param>
public sealed record TokenLogProbabilities(TokenLogProbability Sampled, IReadOnlyList<TokenLogProbability> Top)
{
    /// <summary>Computes them in float64.</summary>
    /// <param name="logits">The model's logits, [vocabulary].</param>
    /// <param name="sampled">The sampled token.</param>
    /// <param name="top">How many of the most likely tokens.</param>
    internal static TokenLogProbabilities Of(ReadOnlySpan<float> logits, int sampled, int top)
    {
        double max = float.NegativeInfinity;
        foreach (float logit in logits)
            max = Math.Max(max, logit);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - max);
        double total = max + Math.Log(sum);
        return new TokenLogProbabilities(
            new(sampled, logits[sampled] - total),
            [.. MostLikely(logits, top).Select(c => new TokenLogProbability(c.Id, c.Weight - total))]
        );
    }

    private static List<TokenCandidate> MostLikely(ReadOnlySpan<float> logits, int top)
    {
        var best = new List<TokenCandidate>(top + 1); // most likely first
        for (int id = 0; id < logits.Length && top > 0; id++)
        {
            var candidate = new TokenCandidate(logits[id], id);
            if (best.Count == top && !candidate.ComesBefore(best[^1]))
                continue;
            int place = best.FindIndex(other => candidate.ComesBefore(other));
            best.Insert(place < 0 ? best.Count : place, candidate);
            if (best.Count > top)
                best.RemoveAt(top);
        }
        return best;
    }
}
