namespace Streaming.Inference.Evaluation;

/// <summary>How well a model predicts a text.</summary>
/// <param name="Tokens">Number of scored tokens.</param>
/// <param name="Nll">Their mean negative log-likelihood, nats per token.</param>
/// <param name="MsPerToken">
/// Milliseconds per token fed; for <see cref="CachePolicy.Recompute"/> per token scored when the cache is full.
/// </param>
/// <param name="Segments">Consecutive parts of the stream.</param>
public sealed record PerplexityResult(long Tokens, double Nll, double MsPerToken, IReadOnlyList<PerplexitySegment> Segments)
{
    /// <summary>exp of <see cref="Nll"/>.</summary>
    public double Perplexity => Math.Exp(Nll);
}

/// <summary>A part of a stream.</summary>
/// <param name="Tokens">Number of scored tokens in it.</param>
/// <param name="Perplexity">Their perplexity.</param>
public sealed record PerplexitySegment(long Tokens, double Perplexity);

/// <summary>Progress of a measurement.</summary>
/// <param name="Position">Tokens of the text processed so far.</param>
/// <param name="Length">Tokens of the whole text.</param>
/// <param name="Tokens">Tokens scored so far.</param>
/// <param name="Nats">Sum of their negative log-likelihoods.</param>
public readonly record struct PerplexityProgress(int Position, int Length, long Tokens, double Nats)
{
    /// <summary>Perplexity of the tokens scored so far.</summary>
    public double Perplexity => Math.Exp(Nats / Tokens);
}
