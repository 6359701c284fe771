using System.Globalization;

namespace Streaming.Inference.Sampling;

/// <summary>How the next token is chosen; every value resolved, so that a continuation samples as the beginning did.</summary>
public sealed record SamplingParameters
{
    private const double MostBias = 100;
    private const int MostLogProbabilities = 20;
    private static readonly IReadOnlyDictionary<int, double> NoBias = System.Collections.Immutable.ImmutableDictionary<int, double>.Empty;

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

    /// <summary>End tokens and other control tokens are never sampled.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Texts that end the reply; they are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Added to the logits of these tokens before anything else; -100 to 100, where -100 in effect forbids and 100 in effect demands a token.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = NoBias;

    /// <summary>Tells with each token its log-probability and those of this many of the likeliest, 0 to 20; null tells none.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="InputException">One is; the sentence names it.</exception>
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
                id >= 0 && Math.Abs(bias) <= MostBias,
                $"{nameof(LogitBias)} of token {id}",
                bias,
                $"from -{MostBias} to {MostBias}, and ids of 0 or more"
            );
        Require(
            LogProbabilities is null or (>= 0 and <= MostLogProbabilities),
            nameof(LogProbabilities),
            LogProbabilities ?? 0,
            $"from 0 to {MostLogProbabilities}"
        );
        Require(MaxTokens >= 0, nameof(MaxTokens), MaxTokens, "0 (no limit) or more");

        static void Require(bool holds, string name, IFormattable value, string range)
        {
            if (!holds)
                throw new InputException($"{name} is {value.ToString(null, CultureInfo.InvariantCulture)}: use a value {range}.");
        }
    }
}
