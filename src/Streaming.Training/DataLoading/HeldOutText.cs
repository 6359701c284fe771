using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>A held-out text, to be scored and never learnt.</summary>
/// <param name="Source">Its source.</param>
/// <param name="Document">Its tokens.</param>
/// <param name="Characters">How many characters its learnt part has.</param>
internal sealed record HeldOutText(string Source, Document Document, int Characters)
{
    /// <summary>The held-out texts of a mixture's files, as tokens. Dialogues stand behind a system prompt where most of their source do.</summary>
    /// <param name="mixture">The mixture.</param>
    /// <param name="corpora">Its files, by name.</param>
    /// <param name="encoder">Writes tokens.</param>
    public static IReadOnlyList<HeldOutText> Of(MixtureFile mixture, IReadOnlyDictionary<string, Corpus> corpora, DocumentEncoder encoder)
    {
        var prompts = new SystemPrompts(mixture);
        return
        [
            .. mixture
                .Sources.Where(s => s.Generator is null)
                .SelectMany(s => corpora[s.Name].HeldOut.Select(text => Of(s, text, prompts, encoder))),
        ];
    }

    private static HeldOutText Of(SourceDescription source, SourceText text, SystemPrompts prompts, DocumentEncoder encoder) =>
        text switch
        {
            Dialogue dialogue => new(
                source.Name,
                encoder.Encode(prompts.Usual(dialogue.Turns, source)),
                dialogue.Turns.Where(t => t.Role == Turn.Assistant).Sum(t => t.Content.Length)
            ),
            Prose prose => new(source.Name, encoder.Encode(prose), prose.Text.Length),
            _ => throw new ArgumentException($"A text of the kind {text.GetType().Name} is not scored.", nameof(text)),
        };
}
