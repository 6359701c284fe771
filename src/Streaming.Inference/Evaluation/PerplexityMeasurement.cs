using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// Perplexity of a text under a cache policy, in one stream from the start token to the end. The cache is cleared only at the beginning;
/// <see cref="CachePolicy.Recompute"/> clears it before every token.
/// </summary>
public sealed class PerplexityMeasurement
{
    /// <summary>Bytes for the logits of a chunk.</summary>
    private const int LogitBytes = 64 << 20;

    private const int MinChunk = 16,
        MaxChunk = 256;

    private readonly EvaluationModel _model;
    private readonly EvaluationText _text;
    private readonly TimeProvider _time;
    private readonly int _every;
    private readonly int _segmentLength;
    private readonly int _chunk;
    private readonly List<(long Tokens, double Nll)> _segments = [];
    private long _scored;
    private double _nll;
    private long _timed;
    private TimeSpan _elapsed;

    /// <summary>Prepares a measurement; call <see cref="Run"/> once.</summary>
    /// <param name="model">The model with its policy; dense attention needs places for the whole text.</param>
    /// <param name="text">The text.</param>
    /// <param name="segmentLength">Tokens of a segment; null for S + W, so that the first segment precedes any eviction.</param>
    /// <param name="every">Scores only every n-th token, from the first on; all tokens are fed.</param>
    /// <param name="chunk">
    /// Tokens of a forward pass, for policies that allow it; null for the default. It does not change the result.
    /// </param>
    /// <param name="time">The clock; null for the system's.</param>
    public PerplexityMeasurement(
        EvaluationModel model,
        EvaluationText text,
        int? segmentLength = null,
        int every = 1,
        int? chunk = null,
        TimeProvider? time = null
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        _model = model;
        _text = text;
        _segmentLength = segmentLength ?? model.Asked.Places;
        ArgumentOutOfRangeException.ThrowIfLessThan(_segmentLength, 1, nameof(segmentLength));
        _every = every;
        _chunk = chunk ?? Math.Clamp(LogitBytes / sizeof(float) / model.Decoder.Config.VocabularySize, MinChunk, MaxChunk);
        ArgumentOutOfRangeException.ThrowIfLessThan(_chunk, 1, nameof(chunk));
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Measures until the end or until cancelled; the result covers the tokens scored so far.</summary>
    /// <param name="progress">Called after each forward pass that scored tokens; null for no progress.</param>
    /// <param name="cancellation">Ends the measurement after the current pass.</param>
    /// <exception cref="InputException">The model's logits are not finite.</exception>
    public PerplexityResult Run(Action<PerplexityProgress>? progress = null, CancellationToken cancellation = default)
    {
        using IDisposable noGradient = torch.no_grad();
        _model.UseThreads();
        int inOneStream = _model.Policy == CachePolicy.Recompute ? Math.Min(_text.Predicted, _model.Layout.Places) : _text.Predicted;
        long start = _time.GetTimestamp();
        int at = 0;
        while (at < inOneStream && !cancellation.IsCancellationRequested)
        {
            at = FeedChunk(at, inOneStream);
            _timed = at;
            Report(at);
        }
        if (_model.Policy == CachePolicy.Recompute && at < _text.Predicted)
        {
            start = _time.GetTimestamp(); // for this policy, only the recomputations are timed
            _timed = 0;
            for (at = NextScored(at); at < _text.Predicted && !cancellation.IsCancellationRequested; at = NextScored(at + 1))
            {
                RecomputeFor(at);
                _timed++;
                Report(at + 1);
            }
        }
        return Result();

        void Report(int position)
        {
            _elapsed = _time.GetElapsedTime(start);
            if (_scored > 0)
                progress?.Invoke(new PerplexityProgress(position, _text.Predicted, _scored, _nll));
        }
    }

    /// <summary>Feeds a chunk from a position on and scores the predicted tokens; returns the position after it.</summary>
    private int FeedChunk(int at, int end)
    {
        int count = Math.Min(_chunk, end - at);
        bool scores = NextScored(at) < at + count;
        using torch.Tensor? logits = _model.Decoder.Forward([
            new Segment
            {
                Slot = 0,
                Layout = _model.Layout,
                Position = at,
                Fed = at,
                Ids = _text.Stream.AsMemory(at, count),
                Logits = scores ? LogitRows.All : LogitRows.None,
            },
        ]);
        if (logits is not null)
            Score(logits, at, count);
        return at + count;
    }

    /// <summary>
    /// Predicts a token (counted from 0 after the stream's first) from the start token and the S + W - 1 tokens before it.
    /// </summary>
    private void RecomputeFor(int token)
    {
        int places = _model.Layout.Places,
            end = token + 1;
        int[] seen = _text.Stream[(end - places)..end];
        if (_text.Bos is int bos)
            seen[0] = bos; // replaces the oldest: S + W tokens in total
        using torch.Tensor logits = Recomputation.Feed(_model.Decoder, _model.Layout, [seen], LogitRows.Last)!;
        Score(logits, token, 1);
    }

    /// <summary>Scores the tokens that rows of logits [count, vocabulary] predict.</summary>
    private void Score(torch.Tensor logits, int first, int count)
    {
        int[] ids = _text.Stream[(first + 1)..(first + 1 + count)];
        using torch.Tensor targets = torch.tensor(Array.ConvertAll(ids, id => (long)id)); // [count]
        using torch.Tensor rows = torch.nn.functional.cross_entropy(logits, targets, reduction: torch.nn.Reduction.None); // [count]
        float[] nll = rows.data<float>().ToArray();
        for (int token = NextScored(first); token < first + count; token = NextScored(token + 1))
        {
            double value = nll[token - first];
            if (!double.IsFinite(value))
                throw new InputException(
                    $"The model gives no probability to token {token} of the text ({value}): the checkpoint is damaged, "
                        + "or its numbers exceed the type; try float32."
                );
            _scored++;
            _nll += value;
            int segment = token / _segmentLength;
            while (_segments.Count <= segment)
                _segments.Add((0, 0));
            _segments[segment] = (_segments[segment].Tokens + 1, _segments[segment].Nll + value);
        }
    }

    /// <summary>The first scored token from a token on.</summary>
    private int NextScored(int token) => (int)Math.Min(int.MaxValue, ((long)token + _every - 1) / _every * _every);

    private PerplexityResult Result() =>
        new(
            _scored,
            _scored == 0 ? 0 : _nll / _scored,
            _timed == 0 ? 0 : _elapsed.TotalMilliseconds / _timed,
            [
                .. _segments
                    .Where(segment => segment.Tokens > 0)
                    .Select(segment => new PerplexitySegment(segment.Tokens, Math.Exp(segment.Nll / segment.Tokens))),
            ]
        );
}
