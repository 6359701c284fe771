namespace Streaming.Inference.Sampling;

/// <summary>How likely the model held a token to be, apart from anything that sampling did to it.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Natural logarithm of the softmax of the model's own logits: before bias, penalties, temperature and filters.</param>
public readonly record struct TokenLogProbability(int Id, double LogProbability);

/// <summary>A sampled token's log-probability, and those of the likeliest tokens in its place.</summary>
/// <param name="Sampled">The sampled token's; always there, also where it is not among the likeliest.</param>
/// <param name="Top">The likeliest tokens, likeliest first, ties by the lowest id; as many as were asked for.</param>
public sealed record TokenLogProbabilities(TokenLogProbability Sampled, IReadOnlyList<TokenLogProbability> Top)
{
    /// <summary>Computes them in float64.</summary>
    /// <param name="logits">The model's logits, [vocabulary].</param>
    /// <param name="sampled">The sampled token.</param>
    /// <param name="top">How many of the likeliest.</param>
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
            [.. Likeliest(logits, top).Select(c => new TokenLogProbability(c.Id, c.Weight - total))]
        );
    }

    private static List<TokenCandidate> Likeliest(ReadOnlySpan<float> logits, int top)
    {
        var best = new List<TokenCandidate>(top + 1); // likeliest first; a handful
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
