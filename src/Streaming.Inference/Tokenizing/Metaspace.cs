using System.Text.RegularExpressions;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>SentencePiece's spaces, as a pre-tokenizer or a decoder: written as a visible character, and one put before the text.</summary>
/// <param name="Replacement">What a space is written as, usually U+2581.</param>
/// <param name="Prepends">Where one is put before a text that does not begin with one.</param>
/// <param name="Splits">Whether each of them begins a piece.</param>
internal sealed record Metaspace(string Replacement, Metaspace.Scheme Prepends, bool Splits)
{
    /// <summary>Where a space is put before a text.</summary>
    public enum Scheme
    {
        /// <summary>Nowhere.</summary>
        Never,

        /// <summary>At the beginning of all text.</summary>
        First,

        /// <summary>There, and after every added token.</summary>
        Always,
    }

    /// <summary>Matches each piece, from one space to the next.</summary>
    public string WordPattern => $"{Regex.Escape(Replacement)}[^{Regex.Escape(Replacement)}]*";

    /// <summary>Reads a section of the type Metaspace; older files say add_prefix_space.</summary>
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
        string replacement = section.Text("replacement");
        return replacement.Length == 1
            ? new Metaspace(replacement, scheme, section.Bool("split", whenAbsent: true))
            : throw section.Wrong("replacement", "one character");
    }

    /// <summary>Writes a text's spaces.</summary>
    public string Write(string text, bool isBeginning)
    {
        string written = text.Replace(" ", Replacement, StringComparison.Ordinal);
        bool prepends = Prepends == Scheme.Always || (Prepends == Scheme.First && isBeginning);
        return prepends && written.Length > 0 && written[0] != Replacement[0] ? Replacement + written : written;
    }
}
