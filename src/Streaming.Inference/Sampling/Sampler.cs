using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Caching;

namespace Streaming.Inference.Sampling;

/// <summary>
/// Samples a token from a row of logits: bias, penalties, forbidden tokens, temperature, top-k, top-p of the rest, min-p, typical-p of
/// what is left, in this order, as in Hugging Face's library. The lowest id wins ties. An instance owns its workspaces and belongs to
/// one thread.
/// </summary>
/// <param name="endTokens">Tokens that end a reply.</param>
/// <param name="controlTokens">
/// Other control tokens. Like end tokens, they are never sampled if <see cref="SamplingParameters.IgnoreEos"/> is set: a chat model that
/// cannot end its turn would begin another speaker's.
/// </param>
public sealed class Sampler(IReadOnlyCollection<int> endTokens, IReadOnlyCollection<int>? controlTokens = null)
{
    private const double MinExactWeight = 1e-300; // smaller weights lose precision
    private const float Slack = 1e-5f; // relative margin of a logit: above float32's error

    private readonly HashSet<int> _endTokens = [.. endTokens];
    private readonly int[] _silenced = [.. endTokens.Concat(controlTokens ?? []).Distinct()];
    private readonly Dictionary<int, int> _occurrences = [];
    private readonly TokenHistory _history = new();
    private readonly HashSet<int> _followers = [];
    private readonly List<TokenCandidate> _heap = [];
    private readonly List<TokenCandidate> _kept = [];
    private double[] _weights = [];

    /// <summary>Samples the token for a stream position, by parameters that do not depend on the order of earlier tokens.</summary>
    /// <param name="logits">A row of logits, [vocabulary]; overwritten.</param>
    /// <param name="parameters">How to sample.</param>
    /// <param name="branch">The conversation's branch.</param>
    /// <param name="position">Stream position that the sampled token takes.</param>
    /// <param name="cached">Ids in the conversation's cache, for the penalties; negative for an empty place.</param>
    /// <exception cref="ArithmeticException">A logit is NaN, or the largest is infinite.</exception>
    internal int Sample(Span<float> logits, SamplingParameters parameters, int branch, long position, ReadOnlySpan<int> cached) =>
        Sample(
            logits,
            parameters,
            new SampledStream
            {
                Branch = branch,
                Position = position,
                CachedIds = cached,
                Layout = new CacheLayout(cached.Length, 1),
            }
        );

    /// <summary>Samples the next token of a stream.</summary>
    /// <param name="logits">A row of logits, [vocabulary]; overwritten.</param>
    /// <param name="parameters">How to sample.</param>
    /// <param name="stream">The stream.</param>
    /// <exception cref="ArithmeticException">A logit is NaN, or the largest is infinite.</exception>
    /// <exception cref="InputException">The parameters forbid every token.</exception>
    public int Sample(Span<float> logits, SamplingParameters parameters, SampledStream stream)
    {
        foreach ((int id, double bias) in parameters.LogitBias)
            logits[id] += (float)bias;
        Penalise(logits, parameters, stream.CachedIds);
        int best = MostLikely(logits);
        if (Forbid(logits, parameters, stream))
        {
            best = TensorPrimitives.IndexOfMax<float>(logits);
            if (float.IsNegativeInfinity(logits[best]))
                throw new InputException(
                    "The sampling forbids every token: shorten SuppressTokens, BeginSuppressTokens or BadWordsIds, "
                        + "or raise NoRepeatNgramSize."
                );
        }
        if (parameters.Temperature == 0)
            return best;

        double uniform = StreamRandom.Uniform(parameters.Seed, stream.Branch, stream.Position);
        // A new filter that looks at weights must be off here too. One that only sets logits to minus infinity need not.
        bool topPAlone = parameters is { TopK: 0, TopP: < 1, MinP: 0, TypicalP: 1 };
        if (topPAlone && DrawFromCandidates(logits, logits[best], uniform, parameters) is { } drawn)
            return drawn;
        return SampleExactly(logits, logits[best], parameters, uniform);
    }

    /// <summary>Samples with the exact weight of every token.</summary>
    internal int SampleExactly(ReadOnlySpan<float> logits, double max, SamplingParameters parameters, double uniform)
    {
        double total = Exponentiate(logits, max, parameters.Temperature);
        bool all = parameters.TopP >= 1 && (parameters.TopK == 0 || parameters.TopK >= logits.Length);
        if (all && parameters.TypicalP >= 1)
            return DrawFromAll(logits.Length, total, uniform, parameters.MinP);
        double kept = all ? KeepAll(logits.Length, parameters.MinP) : KeepMostLikely(logits.Length, total, parameters);
        if (parameters.TypicalP < 1)
            kept = KeepTypical(kept, parameters.TypicalP);
        return Draw(kept, uniform);
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

    /// <summary>
    /// Sets the logits of tokens that must not come next to minus infinity, as Hugging Face's processors of the same names do. Returns
    /// whether it looked at any.
    /// </summary>
    private bool Forbid(Span<float> logits, SamplingParameters parameters, SampledStream stream)
    {
        bool any = false;
        if (parameters.NoRepeatNgramSize > 0 || parameters.BadWordsIds.Count > 0)
        {
            any = true;
            _history.Read(stream);
            if (parameters.NoRepeatNgramSize > 0)
                ForbidRepeatedNgrams(logits, parameters.NoRepeatNgramSize);
            foreach (IReadOnlyList<int> word in parameters.BadWordsIds)
                ForbidBadWord(logits, word);
        }
        if (parameters.IgnoreEos)
            any |= ForbidAll(logits, _silenced);
        if (stream.Generated < parameters.MinNewTokens)
            any |= ForbidAll(logits, _endTokens);
        any |= ForbidAll(logits, parameters.SuppressTokens);
        if (stream.Generated == 0)
            any |= ForbidAll(logits, parameters.BeginSuppressTokens);
        return any;
    }

    private static bool ForbidAll(Span<float> logits, IReadOnlyCollection<int> ids)
    {
        if (ids.Count == 0)
            return false;
        foreach (int id in ids)
            logits[id] = float.NegativeInfinity;
        return true;
    }

    private void ForbidRepeatedNgrams(Span<float> logits, int size)
    {
        _history.CollectFollowers(size - 1, _followers);
        foreach (int id in _followers)
        {
            if (!_endTokens.Contains(id))
                logits[id] = float.NegativeInfinity;
        }
    }

    private void ForbidBadWord(Span<float> logits, IReadOnlyList<int> word)
    {
        Span<int> before = stackalloc int[SamplingParameters.LongestBadWord];
        before = before[..(word.Count - 1)];
        for (int i = 0; i < before.Length; i++)
            before[i] = word[i];
        bool applies = before.IsEmpty ? !_endTokens.Contains(word[0]) : _history.EndsWith(before);
        if (applies)
            logits[word[^1]] = float.NegativeInfinity;
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

    /// <summary>Keeps every token that min-p keeps, in the order of ids; returns the sum of their weights.</summary>
    private double KeepAll(int count, double minP)
    {
        _kept.Clear();
        double sum = 0;
        for (int id = 0; id < count; id++)
        {
            double weight = _weights[id];
            if (weight == 0 || weight < minP)
                continue;
            _kept.Add(new TokenCandidate(weight, id));
            sum += weight;
        }
        return sum;
    }

    /// <summary>
    /// Pops the most likely tokens from a heap until top-k, top-p or min-p is satisfied, instead of sorting the vocabulary. Tokens so
    /// unlikely that top-p drops them in any case do not enter the heap. Returns the sum of the kept weights.
    /// </summary>
    private double KeepMostLikely(int count, double total, SamplingParameters parameters)
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
        _kept.RemoveRange(take, _kept.Count - take);
        return kept;
    }

    /// <summary>
    /// Of the kept tokens, keeps those whose information, -ln p, is nearest to the expected one until they have a share of the weight,
    /// and all that are as near as the last of them. Returns the sum of their weights.
    /// </summary>
    private double KeepTypical(double total, double share)
    {
        double expected = 0;
        foreach (TokenCandidate candidate in _kept)
            expected -= candidate.Weight / total * Math.Log(candidate.Weight / total);
        _heap.Clear();
        foreach (TokenCandidate candidate in _kept)
            _heap.Add(new TokenCandidate(-Math.Abs(-Math.Log(candidate.Weight / total) - expected), candidate.Id)); // the nearest first
        Span<TokenCandidate> heap = CollectionsMarshal.AsSpan(_heap);
        MaxHeap.Build(heap);
        _kept.Clear();
        double sum = 0,
            last = 0;
        while (!heap.IsEmpty && (sum < share * total || heap[0].Weight == last))
        {
            TokenCandidate next = MaxHeap.Pop(ref heap);
            last = next.Weight;
            _kept.Add(next with { Weight = _weights[next.Id] });
            sum += _weights[next.Id];
        }
        return sum;
    }

    /// <summary>Draws one of the kept candidates, given the sum of their weights.</summary>
    private int Draw(double kept, double uniform)
    {
        double left = uniform * kept;
        foreach (TokenCandidate candidate in _kept)
        {
            left -= candidate.Weight;
            if (left < 0)
                return candidate.Id;
        }
        return _kept[^1].Id; // rounding can leave a remainder of the sum
    }

    /// <summary>
    /// Draws the same token as <see cref="SampleExactly"/> for top-p alone, in a small part of its time. Only tokens that top-p may
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
        float least = (float)(max + parameters.Temperature * Math.Log(dropped * fewest));
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
        return Draw(kept, uniform);
    }

    /// <summary>Puts tokens with a large enough logit on the heap, with their exact weights; skips the others sixteen at a time.</summary>
    private void Collect(ReadOnlySpan<float> logits, float least, double max, double temperature)
    {
        _heap.Clear();
        var enough = Vector512.Create(least);
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
