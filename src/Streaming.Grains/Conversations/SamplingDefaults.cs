using System.Security.Cryptography;
using Streaming.Contracts.Conversations;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Conversations;

/// <summary>Fills in the values that a conversation's sampling leaves open.</summary>
internal static class SamplingDefaults
{
    /// <summary>The sampling of one reply, every value filled in; a seed is drawn where none is set, and stays with the reply.</summary>
    public static Sampling Resolve(this Sampling sampling, SamplingParameters defaults) =>
        new()
        {
            Temperature = sampling.Temperature ?? defaults.Temperature,
            TopP = sampling.TopP ?? defaults.TopP,
            TopK = sampling.TopK ?? defaults.TopK,
            MinP = sampling.MinP ?? defaults.MinP,
            RepeatPenalty = sampling.RepeatPenalty ?? defaults.RepeatPenalty,
            FrequencyPenalty = sampling.FrequencyPenalty ?? defaults.FrequencyPenalty,
            PresencePenalty = sampling.PresencePenalty ?? defaults.PresencePenalty,
            Seed = sampling.Seed ?? BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))),
            MaxTokens = sampling.MaxTokens ?? defaults.MaxTokens,
            IgnoreEos = sampling.IgnoreEos ?? false,
            Stop = sampling.Stop ?? defaults.Stop,
            LogitBias = sampling.LogitBias ?? defaults.LogitBias,
            TypicalP = sampling.TypicalP ?? defaults.TypicalP,
            NoRepeatNgramSize = sampling.NoRepeatNgramSize ?? defaults.NoRepeatNgramSize,
            SuppressTokens = sampling.SuppressTokens ?? defaults.SuppressTokens,
            BeginSuppressTokens = sampling.BeginSuppressTokens ?? defaults.BeginSuppressTokens,
            BadWordsIds = sampling.BadWordsIds ?? defaults.BadWordsIds,
            MinNewTokens = sampling.MinNewTokens ?? defaults.MinNewTokens,
        };
}
