using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// SentencePiece's treatment of spaces, in a pre-tokenizer or decoder: a visible character replaces them, and one is prepended.
/// </summary>
/// <param name="Replacement">The character that replaces a space, usually U+2581.</param>
/// <param name="Prepends">Where one is prepended to a text that does not begin with one.</param>
/// <param name="Splits">Whether each one begins a piece.</param>
internal sealed record Metaspace(string Replacement, Metaspace.Scheme Prepends, bool Splits)
{
    /// <summary>Where a space is prepended.</summary>
    public enum Scheme
    {
        /// <summary>Nowhere.</summary>
        Never,

        /// <summary>At the beginning of the whole text.</summary>
        First,

        /// <summary>At the beginning of the whole text and after every added token.</summary>
        Always,
    }

    /// <summary>Reads a section of the type Metaspace; older files have add_prefix_space.</summary>
    public static Metaspace Read(ConfigReader section)
    {
        Scheme scheme = section.TextIfPresent("prepend_scheme") switch
        {
            "always" => Scheme.Always,
            "first" => Scheme.First,
            "never" => Scheme.Never,
            null => section.Bool("add_prefix_space", whenAbsent: true) ? Scheme.Always : Scheme.Never,
            _ => throw section.Wrong("prepend_scheme", "\"always\", \"first\" or \"never\""),
        };
        if (scheme != Scheme.Never && !section.Bool("add_prefix_space", whenAbsent: true))
            throw section.Wrong("add_prefix_space", "true, or \"prepend_scheme\" be \"never\"");
        string replacement = section.Text("replacement");
        return replacement.Length == 1
            ? new Metaspace(replacement, scheme, section.Bool("split", whenAbsent: true))
            : throw section.Wrong("replacement", "one character");
    }

    /// <summary>Replaces a text's spaces.</summary>
    public string Write(string text, SectionStart start)
    {
        string written = text.Replace(" ", Replacement, StringComparison.Ordinal);
        bool prepends = start switch
        {
            SectionStart.Text => Prepends != Scheme.Never,
            SectionStart.AfterToken => Prepends == Scheme.Always,
            _ => false,
        };
        return prepends && written.Length > 0 && written[0] != Replacement[0] ? Replacement + written : written;
    }
}
