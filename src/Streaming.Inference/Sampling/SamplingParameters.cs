using System.Globalization;

namespace Streaming.Inference.Sampling;

/// <summary>How tokens are sampled. Every value is resolved, so that a resumed reply samples as before.</summary>
public sealed record SamplingParameters
{
    private const double MaxBias = 100;
    private const int MaxLogProbabilities = 20;
    private static readonly IReadOnlyDictionary<int, double> NoBias = System.Collections.Immutable.ImmutableDictionary<int, double>.Empty;

    /// <summary>Divides the logits; 0 selects the most likely token.</summary>
    public double Temperature { get; init; } = 0.7;

    /// <summary>Keeps the smallest set of tokens whose probabilities reach this sum; 1 keeps all.</summary>
    public double TopP { get; init; } = 0.9;

    /// <summary>Keeps the most likely K tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Drops tokens below this share of the most likely token's probability; 0 drops none.</summary>
    public double MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in the cache (Keskar et al. 2019); 1 is off.</summary>
    public double RepeatPenalty { get; init; } = 1;

    /// <summary>Subtracted from a logit once per occurrence of the token in the cache; 0 is off.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted from a logit if the token occurs in the cache; 0 is off.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Random numbers depend on the seed, the branch and the position only.</summary>
    public ulong Seed { get; init; }

    /// <summary>Token limit of the reply, including the end token; 0 is no limit.</summary>
    public long MaxTokens { get; init; } = 1024;

    /// <summary>Whether to never sample end tokens and other control tokens.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Stop strings: texts that end the reply and are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Added to the logits of these tokens first; -100 to 100. -100 effectively forbids a token, 100 forces it.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = NoBias;

    /// <summary>Number of most likely tokens, 0 to 20, reported with the sampled token's log-probability; null reports none.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="InputException">A value is outside its range; the sentence names it.</exception>
    public void Validate()
    {
        Require(Temperature is >= 0 and <= 100, nameof(Temperature), Temperature, "from 0 to 100");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Require(TopK >= 0, nameof(TopK), TopK, "0 or more");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "from 0 to 1");
        Require(RepeatPenalty is > 0 and <= 100, nameof(RepeatPenalty), RepeatPenalty, "above 0 and at most 100");
        Require(FrequencyPenalty is >= -2 and <= 2, nameof(FrequencyPenalty), FrequencyPenalty, "from -2 to 2");
        Require(PresencePenalty is >= -2 and <= 2, nameof(PresencePenalty), PresencePenalty, "from -2 to 2");
        foreach ((int id, double bias) in LogitBias)
            Require(
                id >= 0 && Math.Abs(bias) <= MaxBias,
                $"{nameof(LogitBias)} of token {id}",
                bias,
                $"from -{MaxBias} to {MaxBias}, and ids of 0 or more"
            );
        Require(
            LogProbabilities is null or (>= 0 and <= MaxLogProbabilities),
            nameof(LogProbabilities),
            LogProbabilities ?? 0,
            $"from 0 to {MaxLogProbabilities}"
        );
        Require(MaxTokens >= 0, nameof(MaxTokens), MaxTokens, "0 (no limit) or more");

        static void Require(bool holds, string name, IFormattable value, string range)
        {
            if (!holds)
                throw new InputException($"{name} is {value.ToString(null, CultureInfo.InvariantCulture)}: use a value {range}.");
        }
    }
}
