using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Chat;

/// <summary>The speaker of a part of a rendered dialogue.</summary>
internal enum Speaker
{
    /// <summary>The template itself.</summary>
    Template,

    /// <summary>The system prompt.</summary>
    System,

    /// <summary>The user turn before <see cref="Assistant"/> in a stub.</summary>
    EarlierUser,

    /// <summary>An earlier reply.</summary>
    Assistant,

    /// <summary>The user turn that the model answers.</summary>
    User,
}

/// <summary>A part of a rendered dialogue: a token that the template wrote, or text.</summary>
/// <param name="Speaker">The speaker.</param>
/// <param name="Token">The token, or null for text.</param>
/// <param name="Text">The text; empty for a token.</param>
internal readonly record struct RenderedPart(Speaker Speaker, AddedToken? Token, string Text);
