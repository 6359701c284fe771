using System.Text.Json;
using Streaming.Inference;

namespace Streaming.Training.Evaluation;

/// <summary>How well a model predicts one source's held-out texts.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Tokens">The number of scored tokens: the assistant's words with its end-of-turn tokens, and stories.</param>
/// <param name="Characters">The number of scored characters.</param>
/// <param name="LossPerToken">Nats per token.</param>
/// <param name="PerplexityPerCharacter">The exponential of nats per character, which is comparable between vocabularies.</param>
public sealed record SourceResult(string Source, long Tokens, long Characters, double LossPerToken, double PerplexityPerCharacter);

/// <summary>A model's reply to an opening message.</summary>
/// <param name="Message">The message.</param>
/// <param name="Text">The reply.</param>
/// <param name="Cut">Whether the reply was truncated at its token limit.</param>
public sealed record OpeningReply(string Message, string Text, bool Cut);

/// <summary>An endless story, stopped at a number of tokens.</summary>
/// <param name="Tokens">The number of tokens.</param>
/// <param name="RepeatedShare">The share of its n-grams of eight tokens that occur earlier in it.</param>
/// <param name="RepeatedShares">The same for each thousand n-grams.</param>
/// <param name="Text">The story.</param>
public sealed record StoryResult(int Tokens, double RepeatedShare, IReadOnlyList<double> RepeatedShares, string Text);

/// <summary>The results of an evaluation.</summary>
public sealed record EvaluationReport
{
    /// <summary>The model's name and fingerprint.</summary>
    public required string Model { get; init; }

    /// <summary>The scores of held-out texts.</summary>
    public required IReadOnlyList<SourceResult> HeldOut { get; init; }

    /// <summary>The scores of the same texts by the model for comparison; null for none.</summary>
    public IReadOnlyList<SourceResult>? Against { get; init; }

    /// <summary>The replies to the opening messages.</summary>
    public required IReadOnlyList<OpeningReply> Openings { get; init; }

    /// <summary>The endless story; null for none.</summary>
    public StoryResult? Story { get; init; }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <summary>Reads a report from a file with the output of <see cref="ToJson"/>.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public static EvaluationReport Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<EvaluationReport>(File.ReadAllBytes(path), Json)
                ?? throw new InputException($"'{path}' is empty: create it with `streaming evaluate`.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}): create it with `streaming evaluate`.", e);
        }
    }
}
