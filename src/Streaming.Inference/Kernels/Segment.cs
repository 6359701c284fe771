using Streaming.Inference.Caching;

namespace Streaming.Inference.Kernels;

/// <summary>Which rows of a segment give logits.</summary>
public enum LogitRows
{
    /// <summary>None: more input follows.</summary>
    None,

    /// <summary>The last one.</summary>
    Last,

    /// <summary>Every one.</summary>
    All,
}

/// <summary>
/// Consecutive tokens of a conversation in a forward pass: one token of a reply, or a chunk of an input. It also describes the slot's
/// current content, so that the cache keeps no state besides its tensors.
/// </summary>
public readonly record struct Segment
{
    /// <summary>The conversation's slot.</summary>
    public required int Slot { get; init; }

    /// <summary>How the conversation uses its slot.</summary>
    public required CacheLayout Layout { get; init; }

    /// <summary>Stream position of the first token.</summary>
    public required long Position { get; init; }

    /// <summary>
    /// Tokens fed to this slot before the first one. Less than <see cref="Position"/> in a slot that was rebuilt from the fixed part
    /// and the end of a stream, else equal to it.
    /// </summary>
    public required long Fed { get; init; }

    /// <summary>The tokens; at least one.</summary>
    public required ReadOnlyMemory<int> Ids { get; init; }

    /// <summary>Which rows give logits.</summary>
    public LogitRows Logits { get; init; }
}
