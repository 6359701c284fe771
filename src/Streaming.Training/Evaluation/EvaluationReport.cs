using System.Text.Json;
using Streaming.Inference;

namespace Streaming.Training.Evaluation;

/// <summary>How well a model predicts one source's held-out texts.</summary>
/// <param name="Source">The source.</param>
/// <param name="Tokens">Tokens that were scored: the assistant's words with the ends of its turns, and stories.</param>
/// <param name="Characters">Characters of these texts.</param>
/// <param name="LossPerToken">Nats.</param>
/// <param name="PerplexityPerCharacter">The exponential of nats per character, which vocabularies do not change.</param>
public sealed record SourceResult(string Source, long Tokens, long Characters, double LossPerToken, double PerplexityPerCharacter);

/// <summary>What a model answered to an opening message.</summary>
/// <param name="Message">The message.</param>
/// <param name="Text">The reply.</param>
/// <param name="Cut">Whether it was cut off at its limit.</param>
public sealed record OpeningReply(string Message, string Text, bool Cut);

/// <summary>A story without an end.</summary>
/// <param name="Tokens">Its tokens.</param>
/// <param name="RepeatedShare">Of its runs of eight tokens, the share that it had said before.</param>
/// <param name="RepeatedShares">The same by thousands of tokens.</param>
/// <param name="Text">The story.</param>
public sealed record StoryResult(int Tokens, double RepeatedShare, IReadOnlyList<double> RepeatedShares, string Text);

/// <summary>What an evaluation found.</summary>
public sealed record EvaluationReport
{
    /// <summary>The model's name and fingerprint.</summary>
    public required string Model { get; init; }

    /// <summary>Held-out texts.</summary>
    public required IReadOnlyList<SourceResult> HeldOut { get; init; }

    /// <summary>The same texts for the model that it is compared with; null for none.</summary>
    public IReadOnlyList<SourceResult>? Against { get; init; }

    /// <summary>ReplySampler to the opening messages that were written before the training.</summary>
    public required IReadOnlyList<OpeningReply> Openings { get; init; }

    /// <summary>A story without an end; null where none was asked for.</summary>
    public StoryResult? Story { get; init; }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static EvaluationReport Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<EvaluationReport>(File.ReadAllBytes(path), Json)
                ?? throw new InputException($"'{path}' is empty: write it with `streaming evaluate`.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}): write it with `streaming evaluate`.", e);
        }
    }
}
