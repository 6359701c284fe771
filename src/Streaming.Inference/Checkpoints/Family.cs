namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Properties of a model family that <c>config.json</c> does not state: the defaults of Hugging Face's configuration class, and parts of
/// its modelling code that no field controls. One decoder serves all families.
/// </summary>
internal sealed record Family
{
    /// <summary>Default of the key-value heads; null for the number of query heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Default width of a head; null for hidden size / heads.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Default epsilon of the norms.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether queries, keys and values always have a bias.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether <c>attention_bias</c> switches on a bias for all four projections of the attention.</summary>
    public bool ReadsAttentionBias { get; init; }

    /// <summary>Whether each head's query and key are normalised before rotation.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the weights contain <c>qkv_proj</c> and <c>gate_up_proj</c> instead of their parts.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>Default sliding window, tokens; null for none.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Default of <c>use_sliding_window</c>.</summary>
    public bool SlidesUnasked { get; init; } = true;
}
