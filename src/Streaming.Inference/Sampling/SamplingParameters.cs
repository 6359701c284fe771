namespace Streaming.Inference.Sampling;

/// <summary>How the next token is chosen; every value resolved, so that a continuation samples as the beginning did.</summary>
public sealed record SamplingParameters
{
    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    public double Temperature { get; init; } = 0.7;

    /// <summary>Keeps the smallest set of tokens whose probabilities reach this sum; 1 keeps all.</summary>
    public double TopP { get; init; } = 0.9;

    /// <summary>Keeps the most likely K tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Drops tokens less likely than this share of the most likely one's probability; 0 drops none.</summary>
    public double MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in the cache (Keskar et al. 2019); 1 is off.</summary>
    public double RepeatPenalty { get; init; } = 1;

    /// <summary>Subtracted from a logit once per occurrence of the token in the cache; 0 is off.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted from a logit if the token occurs in the cache; 0 is off.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>With branch and position, all that the randomness depends on.</summary>
    public ulong Seed { get; init; }

    /// <summary>Tokens the reply may have, the end token included; 0 is no limit.</summary>
    public long MaxTokens { get; init; } = 1024;

    /// <summary>End tokens are never sampled.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Texts that end the reply; they are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];
}
