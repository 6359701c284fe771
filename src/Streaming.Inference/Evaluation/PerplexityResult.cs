namespace Streaming.Inference.Evaluation;

/// <summary>How well a model predicts a text; natural logarithms.</summary>
/// <param name="Tokens">Tokens that were scored.</param>
/// <param name="Nll">Their negative log-likelihood, nats per token.</param>
/// <param name="MsPerToken">
/// Time by token that was fed, in chunks; for <see cref="CachePolicy.Recompute"/> by token that was scored, once the cache is full.
/// </param>
/// <param name="Segments">Consecutive parts of the stream.</param>
public sealed record PerplexityResult(long Tokens, double Nll, double MsPerToken, IReadOnlyList<PerplexitySegment> Segments)
{
    /// <summary>exp of <see cref="Nll"/>.</summary>
    public double Perplexity => Math.Exp(Nll);
}

/// <summary>A part of a stream.</summary>
/// <param name="Tokens">Tokens that were scored in it.</param>
/// <param name="Perplexity">Their perplexity.</param>
public sealed record PerplexitySegment(long Tokens, double Perplexity);

/// <summary>What a measurement has come to.</summary>
/// <param name="Position">Tokens of the text behind it.</param>
/// <param name="Length">Tokens of the text in all.</param>
/// <param name="Tokens">Tokens that were scored so far.</param>
/// <param name="Nats">Their negative log-likelihoods' sum.</param>
public readonly record struct PerplexityProgress(int Position, int Length, long Tokens, double Nats)
{
    /// <summary>Of what was scored so far.</summary>
    public double Perplexity => Math.Exp(Nats / Tokens);
}
