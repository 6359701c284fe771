namespace Streaming.Inference.Checkpoints;

/// <summary>A model's configuration: the values of <c>config.json</c> that the decoder needs.</summary>
public sealed record ModelConfig
{
    /// <summary>L, number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Inner width of the feed-forward network.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Number of key-value heads; each serves <see cref="Heads"/> / KeyValueHeads query heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>D, width of a head. D · <see cref="Heads"/> may differ from the hidden size.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding; may exceed the tokenizer's vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Context length, tokens: as trained, or as extended by RoPE scaling.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Sliding window of any layer, tokens; null for the whole context.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>RoPE's base.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Scaling of RoPE's angles; null for none.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Epsilon of the root-mean-square norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the head shares the embedding's weights.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether each head's query and key are normalised before rotation.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the files store queries, keys and values as one matrix, and gate and up as another.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>Maximum places of a slot: the context length, or the sliding window if that is shorter.</summary>
    public int MaxPlaces => Math.Min(ContextLength, SlidingWindow ?? int.MaxValue);
}
