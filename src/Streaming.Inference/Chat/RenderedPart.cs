using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Chat;

/// <summary>Whose words a part of a rendered dialogue is.</summary>
internal enum Speaker
{
    /// <summary>The template's own.</summary>
    Template,

    /// <summary>The system prompt.</summary>
    System,

    /// <summary>The people's turn that comes before <see cref="Assistant"/> in a stub.</summary>
    EarlierUser,

    /// <summary>An earlier reply.</summary>
    Assistant,

    /// <summary>The people's turn that is to be answered.</summary>
    User,
}

/// <summary>A part of a rendered dialogue: a token that the template wrote, or text.</summary>
/// <param name="Speaker">Whose it is.</param>
/// <param name="Token">The token, or null for text.</param>
/// <param name="Text">The text; empty for a token.</param>
internal readonly record struct RenderedPart(Speaker Speaker, AddedToken? Token, string Text);
