using Streaming.Inference.Caching;

namespace Streaming.Inference.Sampling;

/// <summary>
/// What the sampler knows of a stream besides the logits. Its size is bounded by the cache, however long the stream is, and it depends
/// on nothing that an interruption loses.
/// </summary>
public readonly ref struct SampledStream
{
    /// <summary>The conversation's branch.</summary>
    public int Branch { get; init; }

    /// <summary>Stream position that the sampled token takes.</summary>
    public required long Position { get; init; }

    /// <summary>Tokens that the reply has already.</summary>
    public long Generated { get; init; }

    /// <summary>The ids in the cache by place, [F + W]; negative for an empty place.</summary>
    public required ReadOnlySpan<int> CachedIds { get; init; }

    /// <summary>F and W.</summary>
    public required CacheLayout Layout { get; init; }
}
