using System.Text.Json;
using Streaming.Inference.Batching;

namespace Streaming.Cli.Sessions;

/// <summary>Counts and times of a generation, added up over its replies; times are in milliseconds.</summary>
internal sealed record GenerationStats
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>Tokens that were fed before sampling.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Tokens that were sampled, end tokens included.</summary>
    public long GeneratedTokens { get; init; }

    /// <summary>Why the last reply ended: stop, length or stopped.</summary>
    public string FinishReason { get; init; } = "";

    /// <summary>The seed, given or drawn.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Tokens of the stream, the last sampled one included.</summary>
    public long Position { get; init; }

    /// <summary>First tokens that are never forgotten.</summary>
    public required int Sinks { get; init; }

    /// <summary>Recent tokens that are seen.</summary>
    public required int Window { get; init; }

    /// <summary>From the beginning to the first sampled token.</summary>
    public double PrefillMs { get; init; }

    /// <summary>From the first sampled token to the end.</summary>
    public double DecodeMs { get; init; }

    /// <summary>Sampled tokens after each reply's first, by the time they took; 0 where there are none.</summary>
    public double TokensPerSecond => DecodeMs > 0 ? TimedTokens * 1000 / DecodeMs : 0;

    private long TimedTokens { get; init; }

    /// <summary>With one more reply.</summary>
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

    /// <summary>As one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);
}
