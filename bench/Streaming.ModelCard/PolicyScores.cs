using System.Globalization;
using System.Text.Json;
using Streaming.Inference;

namespace Streaming.ModelCard;

/// <summary>How well a text was predicted under one policy: a line of output of <c>streaming perplexity --json</c>.</summary>
internal sealed record PolicyScore(
    string Policy,
    int Sinks,
    int Window,
    long Tokens,
    double Perplexity,
    IReadOnlyList<SegmentScore> Segments
)
{
    /// <summary>The perplexity after the first segment, which ends where the first token is evicted.</summary>
    public double AfterEviction =>
        Math.Exp(Segments.Skip(1).Sum(s => s.Tokens * Math.Log(s.Perplexity)) / Segments.Skip(1).Sum(s => s.Tokens));
}

/// <summary>The score of a part of the text.</summary>
internal sealed record SegmentScore(long Tokens, double Perplexity);

/// <summary>The effect of eviction on the perplexity of a long text.</summary>
/// <param name="scores">
/// Streaming and window attention, scored at all tokens; streaming and recomputation, scored at the same subset of tokens.
/// </param>
internal sealed class PolicyScores(IReadOnlyList<PolicyScore> scores)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Reads a file with one such line for each score.</summary>
    /// <exception cref="InputException">The file cannot be read, or lacks a policy.</exception>
    public static PolicyScores Read(string path)
    {
        try
        {
            var read = new PolicyScores([.. File.ReadLines(path).Select(line => JsonSerializer.Deserialize<PolicyScore>(line, Json)!)]);
            _ = read.ToMarkdown();
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}): create it as models/README.md says.", e);
        }
    }

    /// <summary>A table, and its conclusion in words.</summary>
    public string ToMarkdown()
    {
        PolicyScore recompute = scores.Single(s => s.Policy == "recompute"),
            window = scores.Single(s => s.Policy == "window");
        PolicyScore streaming = scores.Single(s => s.Policy == "streaming" && s.Tokens == window.Tokens),
            sampled = scores.Single(s => s.Policy == "streaming" && s.Tokens == recompute.Tokens);
        string table = CardTable.Of(
            ["policy", "attends to", "tokens scored", "perplexity", "after the first eviction"],
            scores.Select(s =>
                (IReadOnlyList<object>)
                    [
                        s.Policy,
                        s.Policy == "streaming" ? $"{s.Sinks}+{s.Window}" : $"{s.Sinks + s.Window}",
                        s.Tokens,
                        s.Perplexity,
                        s.AfterEviction,
                    ]
            )
        );
        return table
            + string.Create(
                CultureInfo.InvariantCulture,
                $"\n\nAfter the first eviction, perplexity without the sink is "
                    + $"**{window.AfterEviction / streaming.AfterEviction:F2} times** that with it. "
                    + $"Compared with\nrecomputation from the start token and the last {recompute.Sinks + recompute.Window - 1} tokens, "
                    + $"perplexity under streaming differs by "
                    + $"{sampled.Perplexity / recompute.Perplexity - 1:+0.0 %;-0.0 %;0.0 %}."
            );
    }
}
