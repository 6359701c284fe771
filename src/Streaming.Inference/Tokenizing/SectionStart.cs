namespace Streaming.Inference.Tokenizing;

/// <summary>What comes before a section of text, which decides whether SentencePiece's space is prepended to it.</summary>
internal enum SectionStart
{
    /// <summary>Nothing: it begins the text.</summary>
    Text,

    /// <summary>An added token.</summary>
    AfterToken,

    /// <summary>Other text, whose ids exist already: nothing is prepended.</summary>
    Inside,
}
