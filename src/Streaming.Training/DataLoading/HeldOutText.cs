using Streaming.Training.Corpora;

namespace Streaming.Training.DataLoading;

/// <summary>A held-out text, which is scored and never trained on.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Document">The tokens.</param>
/// <param name="Characters">The number of characters that are scored.</param>
internal sealed record HeldOutText(string Source, Document Document, int Characters)
{
    /// <summary>
    /// The held-out texts of a mixture's files. A dialogue gets a system prompt if most training dialogues of its source have one.
    /// </summary>
    /// <param name="mixture">The mixture.</param>
    /// <param name="corpora">The corpora of the sources that are files, by name.</param>
    /// <param name="encoder">Encodes the texts.</param>
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
                encoder.Encode(prompts.PrependUsual(dialogue.Turns, source)),
                dialogue.Turns.Where(t => t.Role == Turn.Assistant).Sum(t => t.Content.Length)
            ),
            Prose prose => new(source.Name, encoder.Encode(prose), prose.Text.Length),
            _ => throw new ArgumentException($"A text of the kind {text.GetType().Name} is not scored.", nameof(text)),
        };
}
