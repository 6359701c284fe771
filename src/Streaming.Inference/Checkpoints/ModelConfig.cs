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

    /// <summary>The longest distance the model was trained on, tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Base of RoPE's angles.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Epsilon of the root-mean-square norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the head is the embedding.</summary>
    public bool TiedHead { get; init; }
}
