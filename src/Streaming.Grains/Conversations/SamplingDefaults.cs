using System.Security.Cryptography;
using Streaming.Contracts.Conversations;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Conversations;

/// <summary>Fills in what a conversation's sampling leaves open, and translates it for the engine.</summary>
internal static class SamplingDefaults
{
    /// <summary>Tokens of a reply whose conversation sets no limit.</summary>
    public const long MaxTokens = 1024;

    /// <summary>Every value filled in; a seed is drawn where none is set, and stays with the reply.</summary>
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
            MaxTokens = sampling.MaxTokens ?? MaxTokens,
            IgnoreEos = sampling.IgnoreEos ?? false,
            Stop = sampling.Stop ?? [],
            LogitBias = sampling.LogitBias ?? defaults.LogitBias,
        };

    /// <summary>A resolved sampling as the engine takes it.</summary>
    public static SamplingParameters ToParameters(this Sampling resolved)
    {
        var engine = new SamplingParameters();
        return engine with
        {
            Temperature = resolved.Temperature ?? engine.Temperature,
            TopP = resolved.TopP ?? engine.TopP,
            TopK = resolved.TopK ?? engine.TopK,
            MinP = resolved.MinP ?? engine.MinP,
            RepeatPenalty = resolved.RepeatPenalty ?? engine.RepeatPenalty,
            FrequencyPenalty = resolved.FrequencyPenalty ?? engine.FrequencyPenalty,
            PresencePenalty = resolved.PresencePenalty ?? engine.PresencePenalty,
            Seed = unchecked((ulong)(resolved.Seed ?? 0)),
            MaxTokens = resolved.MaxTokens ?? MaxTokens,
            IgnoreEos = resolved.IgnoreEos ?? false,
            Stop = resolved.Stop ?? [],
            LogitBias = resolved.LogitBias ?? engine.LogitBias,
        };
    }
}
