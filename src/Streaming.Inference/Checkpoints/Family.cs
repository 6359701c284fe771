namespace Streaming.Inference.Checkpoints;

/// <summary>
/// What a family of models does that its <c>config.json</c> does not say: the defaults of Hugging Face's configuration class
/// and the parts of its modelling code that no field switches. All families are one decoder.
/// </summary>
internal sealed record Family
{
    /// <summary>Key-value heads where the file names none; null for as many as query heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Width of a head where the file names none; null for hidden size by heads.</summary>
    public int? HeadDim { get; init; }

    /// <summary>Epsilon of the norms where the file names none.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Whether queries, keys and values have a bias whatever the file says.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether <c>attention_bias</c> gives all four projections of the attention a bias.</summary>
    public bool ReadsAttentionBias { get; init; }

    /// <summary>Whether each head's queries and keys are normalised before they are rotated.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Whether the file holds <c>qkv_proj</c> and <c>gate_up_proj</c> instead of their parts.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>The sliding window where the file does not mention one; null for none.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Whether a sliding window counts where <c>use_sliding_window</c> is not there.</summary>
    public bool SlidesUnasked { get; init; } = true;
}
