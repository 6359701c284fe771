using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Streaming.Inference.Sampling;

/// <summary>
/// Samples a token from a row of logits: bias, penalties, temperature, top-k, top-p of the rest, min-p, in this order, as in
/// Hugging Face's library. The lowest id wins ties. An instance owns its workspaces and belongs to one thread.
/// </summary>
/// <param name="silenced">
/// Tokens that are never sampled if <see cref="SamplingParameters.IgnoreEos"/> is set: end tokens and other control tokens. With the
/// latter a chat model that cannot end its turn would begin another speaker's.
/// </param>
public sealed class Sampler(IReadOnlyCollection<int> silenced)
{
    private const double MinExactWeight = 1e-300; // smaller weights lose precision
    private const float Slack = 1e-5f; // relative margin of a logit: above float32's error

    private readonly Dictionary<int, int> _occurrences = [];
    private readonly List<TokenCandidate> _heap = [];
    private readonly List<TokenCandidate> _kept = [];
    private double[] _weights = [];

    /// <summary>Samples the token for a stream position.</summary>
    /// <param name="logits">A row of logits, [vocabulary]; overwritten.</param>
    /// <param name="parameters">How to sample.</param>
    /// <param name="branch">The conversation's branch.</param>
    /// <param name="position">Stream position that the sampled token takes.</param>
    /// <param name="cached">Ids in the conversation's cache, for the penalties; negative for an empty place.</param>
    /// <exception cref="ArithmeticException">A logit is NaN, or the largest is infinite.</exception>
    public int Sample(Span<float> logits, SamplingParameters parameters, int branch, long position, ReadOnlySpan<int> cached)
    {
        foreach ((int id, double bias) in parameters.LogitBias)
            logits[id] += (float)bias;
        Penalise(logits, parameters, cached);
        if (parameters.IgnoreEos)
        {
            foreach (int id in silenced)
                logits[id] = float.NegativeInfinity;
        }
        int best = MostLikely(logits);
        if (parameters.Temperature == 0)
            return best;

        double uniform = StreamRandom.Uniform(parameters.Seed, branch, position);
        if (parameters is { TopK: 0, TopP: < 1, MinP: 0 } && DrawFromCandidates(logits, logits[best], uniform, parameters) is { } drawn)
            return drawn;
        return SampleExactly(logits, logits[best], parameters, uniform);
    }

    /// <summary>Samples with the exact weight of every token.</summary>
    internal int SampleExactly(ReadOnlySpan<float> logits, double max, SamplingParameters parameters, double uniform)
    {
        double total = Exponentiate(logits, max, parameters.Temperature);
        bool all = parameters.TopP >= 1 && (parameters.TopK == 0 || parameters.TopK >= logits.Length);
        return all
            ? DrawFromAll(logits.Length, total, uniform, parameters.MinP)
            : DrawFromMostLikely(logits.Length, total, uniform, parameters);
    }

    /// <summary>Keskar et al. 2019 (repeat), and OpenAI's frequency and presence penalties, over the tokens in the cache.</summary>
    private void Penalise(Span<float> logits, SamplingParameters parameters, ReadOnlySpan<int> cached)
    {
        if (parameters is { RepeatPenalty: 1, FrequencyPenalty: 0, PresencePenalty: 0 })
            return;
        _occurrences.Clear();
        foreach (int id in cached)
        {
            if (id >= 0)
                CollectionsMarshal.GetValueRefOrAddDefault(_occurrences, id, out _)++;
        }
        foreach ((int id, int count) in _occurrences)
        {
            double logit = logits[id];
            logit = logit > 0 ? logit / parameters.RepeatPenalty : logit * parameters.RepeatPenalty;
            logits[id] = (float)(logit - count * parameters.FrequencyPenalty - parameters.PresencePenalty);
        }
    }

    private static int MostLikely(ReadOnlySpan<float> logits)
    {
        int best = TensorPrimitives.IndexOfMax(logits); // the first of equals; the first NaN if there is one
        if (float.IsNaN(logits[best]))
            throw new ArithmeticException($"The logit of token {best} is not a number.");
        return float.IsFinite(logits[best])
            ? best
            : throw new ArithmeticException($"The largest logit, token {best}'s, is {logits[best]}.");
    }

    /// <summary>Computes the weights exp((logit - max) / temperature), whose largest is 1, and returns their sum.</summary>
    private double Exponentiate(ReadOnlySpan<float> logits, double max, double temperature)
    {
        if (_weights.Length < logits.Length)
            _weights = new double[logits.Length];
        double total = 0;
        for (int id = 0; id < logits.Length; id++)
            total += _weights[id] = Math.Exp((logits[id] - max) / temperature);
        return total;
    }

    private int DrawFromAll(int count, double total, double uniform, double minP)
    {
        if (minP > 0)
        {
            total = 0;
            for (int id = 0; id < count; id++)
                total += _weights[id] >= minP ? _weights[id] : _weights[id] = 0;
        }
        double left = uniform * total;
        int last = 0;
        for (int id = 0; id < count; id++)
        {
            if (_weights[id] == 0)
                continue;
            last = id;
            left -= _weights[id];
            if (left < 0)
                return id;
        }
        return last; // rounding can leave a remainder of the sum
    }

    /// <summary>
    /// Pops the most likely tokens from a heap until top-k, top-p or min-p is satisfied, instead of sorting the vocabulary. Tokens so
    /// unlikely that top-p drops them in any case do not enter the heap.
    /// </summary>
    private int DrawFromMostLikely(int count, double total, double uniform, SamplingParameters parameters)
    {
        int most = parameters.TopK == 0 ? count : Math.Min(parameters.TopK, count);
        double least = most < count ? 0 : Math.Max(parameters.MinP, (1 - parameters.TopP) * total / count);
        _heap.Clear();
        for (int id = 0; id < count; id++)
        {
            double weight = _weights[id];
            if (weight > 0 && weight >= least)
                _heap.Add(new TokenCandidate(weight, id));
        }
        Span<TokenCandidate> heap = CollectionsMarshal.AsSpan(_heap);
        MaxHeap.Build(heap);

        // Top-p is a share of what top-k keeps, so with top-k the sum of all K is needed first.
        double whole = most < count ? Pop(ref heap, most, double.PositiveInfinity) : total;
        double enough = parameters.TopP * whole;
        if (most >= count)
            Pop(ref heap, count, enough);
        double kept = 0;
        int take = 0;
        while (take < _kept.Count && (take == 0 || (kept < enough && _kept[take].Weight >= parameters.MinP)))
            kept += _kept[take++].Weight;

        return Draw(take, kept, uniform);
    }

    /// <summary>Draws one of the first kept candidates, given the sum of their weights.</summary>
    private int Draw(int take, double kept, double uniform)
    {
        double left = uniform * kept;
        for (int i = 0; i < take; i++)
        {
            left -= _kept[i].Weight;
            if (left < 0)
                return _kept[i].Id;
        }
        return _kept[take - 1].Id; // rounding can leave a remainder of the sum
    }

    /// <summary>
    /// Draws the same token as <see cref="DrawFromMostLikely"/> for top-p alone, in a small part of its time. Only tokens that top-p may
    /// keep get their exact weight; for the sum of all weights, a lower and an upper bound are enough. Null if they are not: if the
    /// result depends on where between its bounds the sum lies.
    /// </summary>
    private int? DrawFromCandidates(ReadOnlySpan<float> logits, double max, double uniform, SamplingParameters parameters)
    {
        double total = ExponentialSum.Of(logits, max, parameters.Temperature),
            dropped = (1 - parameters.TopP) / logits.Length;
        double fewest = total * (1 - ExponentialSum.Error),
            most = total * (1 + ExponentialSum.Error);
        if (!(dropped * fewest >= MinExactWeight))
            return null;
        var least = (float)(max + parameters.Temperature * Math.Log(dropped * fewest));
        least -= MathF.Abs(least) * Slack + Slack * (float)parameters.Temperature;
        Collect(logits, least, max, parameters.Temperature);
        Span<TokenCandidate> heap = CollectionsMarshal.AsSpan(_heap);
        MaxHeap.Build(heap);

        _kept.Clear();
        double kept = 0;
        while (kept < parameters.TopP * fewest)
        {
            if (heap.IsEmpty)
                return null;
            TokenCandidate next = MaxHeap.Pop(ref heap);
            if (next.Weight < dropped * most)
                return null;
            _kept.Add(next);
            kept += next.Weight;
        }
        if (kept < parameters.TopP * most)
            return null;
        return Draw(_kept.Count, kept, uniform);
    }

    /// <summary>Puts tokens with a large enough logit on the heap, with their exact weights; skips the others sixteen at a time.</summary>
    private void Collect(ReadOnlySpan<float> logits, float least, double max, double temperature)
    {
        _heap.Clear();
        Vector512<float> enough = Vector512.Create(least);
        for (int block = 0; block < logits.Length; block += Vector512<float>.Count)
        {
            ReadOnlySpan<float> some = logits[block..Math.Min(block + Vector512<float>.Count, logits.Length)];
            if (some.Length == Vector512<float>.Count && !Vector512.GreaterThanOrEqualAny(Vector512.Create(some), enough))
                continue;
            for (int i = 0; i < some.Length; i++)
            {
                if (some[i] >= least)
                    _heap.Add(new TokenCandidate(Math.Exp((some[i] - max) / temperature), block + i));
            }
        }
    }

    /// <summary>Moves the most likely candidates to the kept ones until there are enough; returns the sum of their weights.</summary>
    private double Pop(ref Span<TokenCandidate> heap, int most, double enough)
    {
        _kept.Clear();
        double sum = 0;
        while (heap.Length > 0 && _kept.Count < most && sum < enough)
        {
            TokenCandidate next = MaxHeap.Pop(ref heap);
            _kept.Add(next);
            sum += next.Weight;
        }
        return sum;
    }
}
