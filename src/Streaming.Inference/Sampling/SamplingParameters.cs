using System.Collections.Immutable;
using System.Globalization;

namespace Streaming.Inference.Sampling;

/// <summary>How tokens are sampled. Every value is resolved, so that a resumed reply samples as before.</summary>
public sealed record SamplingParameters
{
    /// <summary>The lowest repetition penalty: a lower one can make a logit infinite.</summary>
    public const double LeastRepeatPenalty = 1e-6;

    /// <summary>The most tokens of <see cref="SuppressTokens"/> and of <see cref="BeginSuppressTokens"/>.</summary>
    public const int MostSuppressed = 1024;

    /// <summary>The most sequences of <see cref="BadWordsIds"/>.</summary>
    public const int MostBadWords = 256;

    /// <summary>The most tokens of such a sequence.</summary>
    public const int LongestBadWord = 64;

    private const double MaxBias = 100;
    private const int MaxLogProbabilities = 20;
    private static readonly IReadOnlyDictionary<int, double> NoBias = ImmutableDictionary<int, double>.Empty;

    /// <summary>Divides the logits; 0 selects the most likely token.</summary>
    public double Temperature { get; init; } = 0.7;

    /// <summary>Keeps the smallest set of tokens whose probabilities reach this sum; 1 keeps all.</summary>
    public double TopP { get; init; } = 0.9;

    /// <summary>Keeps the most likely K tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Drops tokens below this share of the most likely token's probability; 0 drops none.</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Keeps the tokens whose information is nearest to the expected one, until their probabilities reach this sum (Meister et al. 2022,
    /// locally typical sampling); 1 keeps all.
    /// </summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Divides positive and multiplies negative logits of tokens in the cache (Keskar et al. 2019); 1 is off.</summary>
    public double RepeatPenalty { get; init; } = 1;

    /// <summary>Subtracted from a logit once per occurrence of the token in the cache; 0 is off.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Subtracted from a logit if the token occurs in the cache; 0 is off.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>
    /// N: a token is forbidden if it would complete a sequence of N tokens that is in the cache already; 0 is off. End tokens are never
    /// forbidden by it, because a reply must be able to end like an earlier one.
    /// </summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Tokens that are never sampled.</summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [];

    /// <summary>Tokens that are not sampled as the first of a reply.</summary>
    public IReadOnlyList<int> BeginSuppressTokens { get; init; } = [];

    /// <summary>Sequences of tokens whose last token is not sampled after the others. A single end token is not forbidden by it.</summary>
    public IReadOnlyList<IReadOnlyList<int>> BadWordsIds { get; init; } = [];

    /// <summary>End tokens are not sampled before a reply has this many tokens; 0 is off.</summary>
    public long MinNewTokens { get; init; }

    /// <summary>Random numbers depend on the seed, the branch and the position only.</summary>
    public ulong Seed { get; init; }

    /// <summary>Token limit of the reply, including the end token; 0 is no limit.</summary>
    public long MaxTokens { get; init; } = 1024;

    /// <summary>Whether to never sample end tokens and other control tokens.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>Stop strings: texts or control tokens that end the reply and are not part of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Added to the logits of these tokens first; -100 to 100. -100 effectively forbids a token, 100 forces it.</summary>
    public IReadOnlyDictionary<int, double> LogitBias { get; init; } = NoBias;

    /// <summary>Number of most likely tokens, 0 to 20, reported with the sampled token's log-probability; null reports none.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <param name="vocabulary">The checkpoint's number of tokens, if ids are to be checked against it.</param>
    /// <exception cref="InputException">A value is outside its range; the sentence names it.</exception>
    public void Validate(int vocabulary = int.MaxValue)
    {
        Require(Temperature is >= 0 and <= 100, nameof(Temperature), Temperature, "from 0 to 100");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Require(TopK >= 0, nameof(TopK), TopK, "0 or more");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "from 0 to 1");
        Require(TypicalP is > 0 and <= 1, nameof(TypicalP), TypicalP, "above 0 and at most 1");
        Require(
            RepeatPenalty is >= LeastRepeatPenalty and <= 100,
            nameof(RepeatPenalty),
            RepeatPenalty,
            $"from {LeastRepeatPenalty.ToString("0.######", CultureInfo.InvariantCulture)} to 100"
        );
        Require(FrequencyPenalty is >= -2 and <= 2, nameof(FrequencyPenalty), FrequencyPenalty, "from -2 to 2");
        Require(PresencePenalty is >= -2 and <= 2, nameof(PresencePenalty), PresencePenalty, "from -2 to 2");
        Require(NoRepeatNgramSize >= 0, nameof(NoRepeatNgramSize), NoRepeatNgramSize, "0 (off) or more");
        Require(MinNewTokens >= 0, nameof(MinNewTokens), MinNewTokens, "0 (off) or more");
        foreach ((int id, double bias) in LogitBias)
            Require(Math.Abs(bias) <= MaxBias, $"{nameof(LogitBias)} of token {id}", bias, $"from -{MaxBias} to {MaxBias}");
        Require(
            LogProbabilities is null or (>= 0 and <= MaxLogProbabilities),
            nameof(LogProbabilities),
            LogProbabilities ?? 0,
            $"from 0 to {MaxLogProbabilities}"
        );
        Require(MaxTokens >= 0, nameof(MaxTokens), MaxTokens, "0 (no limit) or more");
        RequireIds(nameof(LogitBias), LogitBias.Keys, vocabulary);
        RequireSuppressed(nameof(SuppressTokens), SuppressTokens, vocabulary);
        RequireSuppressed(nameof(BeginSuppressTokens), BeginSuppressTokens, vocabulary);
        Require(BadWordsIds.Count <= MostBadWords, $"The length of {nameof(BadWordsIds)}", BadWordsIds.Count, $"up to {MostBadWords}");
        foreach (IReadOnlyList<int> word in BadWordsIds)
        {
            Require(
                word.Count is > 0 and <= LongestBadWord,
                $"The length of a sequence of {nameof(BadWordsIds)}",
                word.Count,
                $"from 1 to {LongestBadWord}"
            );
            RequireIds(nameof(BadWordsIds), word, vocabulary);
        }
    }

    private static void RequireSuppressed(string name, IReadOnlyList<int> ids, int vocabulary)
    {
        Require(ids.Count <= MostSuppressed, $"The length of {name}", ids.Count, $"up to {MostSuppressed}");
        RequireIds(name, ids, vocabulary);
    }

    private static void RequireIds(string name, IEnumerable<int> ids, int vocabulary)
    {
        foreach (int id in ids)
        {
            if (id < 0 || id >= vocabulary)
                throw new InputException(
                    vocabulary == int.MaxValue
                        ? $"{name} names the token {id}: ids are 0 or more."
                        : $"{name} names the token {id}, which is not in the checkpoint's vocabulary of {vocabulary}: "
                            + "use ids of its own tokenizer."
                );
        }
    }

    private static void Require(bool holds, string name, IFormattable value, string range)
    {
        if (!holds)
            throw new InputException($"{name} is {value.ToString(null, CultureInfo.InvariantCulture)}: use a value {range}.");
    }
}
