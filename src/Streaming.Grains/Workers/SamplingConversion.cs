using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Workers;

/// <summary>Converts a conversation's sampling for the engine.</summary>
internal static class SamplingConversion
{
    /// <summary>The engine's parameters of a sampling with every value filled in.</summary>
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
            MaxTokens = resolved.MaxTokens ?? Limits.DefaultReplyTokens,
            IgnoreEos = resolved.IgnoreEos ?? false,
            Stop = resolved.Stop ?? [],
            LogitBias = resolved.LogitBias ?? engine.LogitBias,
            TypicalP = resolved.TypicalP ?? engine.TypicalP,
            NoRepeatNgramSize = resolved.NoRepeatNgramSize ?? engine.NoRepeatNgramSize,
            SuppressTokens = resolved.SuppressTokens ?? engine.SuppressTokens,
            BeginSuppressTokens = resolved.BeginSuppressTokens ?? engine.BeginSuppressTokens,
            BadWordsIds = resolved.BadWordsIds ?? engine.BadWordsIds,
            MinNewTokens = resolved.MinNewTokens ?? engine.MinNewTokens,
        };
    }
}
