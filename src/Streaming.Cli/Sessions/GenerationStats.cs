using System.Text.Json;
using Streaming.Inference.Batching;

namespace Streaming.Cli.Sessions;

/// <summary>Counts and times of a session, summed over its replies. Times are in milliseconds.</summary>
internal sealed record GenerationStats
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>Tokens that were prefilled.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Tokens that were sampled, including end tokens.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>Why the last reply ended: stop, length or stopped.</summary>
    public string FinishReason { get; init; } = "";

    /// <summary>The seed, as given or as drawn at random.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Tokens in the stream, including the last sampled one.</summary>
    public long Position { get; init; }

    /// <summary>First tokens that are never evicted.</summary>
    public required int Sinks { get; init; }

    /// <summary>Recent tokens that are attended to.</summary>
    public required int Window { get; init; }

    /// <summary>Time from the start of each reply to its first sampled token.</summary>
    public double PrefillMs { get; init; }

    /// <summary>Time from each reply's first sampled token to its end.</summary>
    public double DecodeMs { get; init; }

    /// <summary>Sampled tokens per second, without each reply's first token; 0 if there are none.</summary>
    public double TokensPerSecond => DecodeMs > 0 ? TimedTokens * 1000 / DecodeMs : 0;

    private long TimedTokens { get; init; }

    /// <summary>The stats with one more reply.</summary>
    public GenerationStats With(DecodeEnded ended, long sampled, long position) =>
        this with
        {
            PromptTokens = PromptTokens + ended.InputTokens,
            GeneratedTokens = GeneratedTokens + sampled,
            TimedTokens = TimedTokens + Math.Max(0, sampled - 1),
            FinishReason = ended.Reason.ToString().ToLowerInvariant(),
            Position = position,
            PrefillMs = PrefillMs + ended.InputTime.TotalMilliseconds,
            DecodeMs = DecodeMs + ended.DecodeTime.TotalMilliseconds,
        };

    /// <summary>The stats as a JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);
}
