namespace Streaming.Training.Corpora;

/// <summary>One text of a source: a dialogue, or prose.</summary>
internal abstract record SourceText;

/// <summary>A dialogue.</summary>
/// <param name="Turns">Its turns, in order.</param>
internal sealed record Dialogue(IReadOnlyList<Turn> Turns) : SourceText;

/// <summary>A story or a part of a book.</summary>
/// <param name="Text">The text.</param>
/// <param name="Begins">Whether it is the beginning of its story.</param>
/// <param name="Ends">Whether it is the end of its story; otherwise the next part follows.</param>
internal sealed record Prose(string Text, bool Begins, bool Ends) : SourceText;
