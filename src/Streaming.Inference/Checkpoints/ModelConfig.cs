namespace Streaming.Inference.Checkpoints;

/// <summary>What the model is: the numbers of a checkpoint's <c>config.json</c> that the decoder needs.</summary>
public sealed record ModelConfig
{
    /// <summary>L, the decoder's layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the feed-forward part.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads; each serves Heads / KeyValueHeads query heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of a head; times <see cref="Heads"/> it need not be the hidden size.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding; may exceed the tokenizer's vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest distance the model was trained on, or reaches by its scaling, tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The longest distance that any of its layers ever looks back, tokens; null where that is the whole context.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Base of RoPE's angles.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>How RoPE's angles are scaled; null for not at all.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Epsilon of the root-mean-square norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the head is the embedding.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether the projections to queries, keys and values have a bias.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the projection out of the attention has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether each head's queries and keys are normalised before they are rotated.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the files hold queries, keys and values as one matrix, and gate and up as another.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>The most places that a slot of this model may have: its context, or what its layers look back to.</summary>
    public int MaxPlaces => Math.Min(ContextLength, SlidingWindow ?? int.MaxValue);
}
