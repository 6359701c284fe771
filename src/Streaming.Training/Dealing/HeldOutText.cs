using Streaming.Training.Corpora;

namespace Streaming.Training.Dealing;

/// <summary>A held-out text, to be scored and never learnt.</summary>
/// <param name="Source">Its source.</param>
/// <param name="Document">Its tokens.</param>
/// <param name="Characters">How many characters its learnt part has.</param>
internal sealed record HeldOutText(string Source, Document Document, int Characters)
{
    /// <summary>Writes one as tokens.</summary>
    public static HeldOutText Of(string source, SourceText text, DocumentEncoder encoder) => text switch
    {
        Dialogue dialogue => new(source, encoder.Encode(dialogue.Turns), dialogue.Turns.Where(t => t.Role == Turn.Assistant).Sum(t => t.Content.Length)),
        Prose prose => new(source, encoder.Encode(prose), prose.Text.Length),
        _ => throw new ArgumentException($"A text of the kind {text.GetType().Name} is not scored.", nameof(text)),
    };
}
