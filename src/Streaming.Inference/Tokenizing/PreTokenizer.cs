using System.Text.RegularExpressions;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>pre_tokenizer</c>, which splits plain text into the pieces that merges never cross.</summary>
internal sealed class PreTokenizer
{
    /// <summary>GPT-2's pattern, the default of ByteLevel pre-tokenizers.</summary>
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly List<(Regex Pattern, bool GapsAreKept)> _splits = [];

    private PreTokenizer() { }

    /// <summary>Whether pieces are then split into bytes.</summary>
    public bool ByteLevel { get; private set; }

    /// <summary>Whether a space is prepended, before the last split, to each piece that does not begin with one.</summary>
    private bool AddsPrefixSpace { get; set; }

    /// <summary>SentencePiece's treatment of spaces, if this pre-tokenizer does it; else null.</summary>
    private Metaspace? Spaces { get; set; }

    /// <summary>Reads a pre-tokenizer; null for none, so that all text is one piece.</summary>
    public static PreTokenizer Read(ConfigReader? section)
    {
        var result = new PreTokenizer();
        if (section is not null)
            result.Add(section);
        return result;
    }

    /// <summary>The pieces of a text, in order. Joined, they are the text without what the tokenizer drops.</summary>
    /// <param name="text">A text, or the part of it between two added tokens.</param>
    /// <param name="isBeginning">Whether nothing comes before it.</param>
    public List<string> Split(string text, bool isBeginning)
    {
        if (Spaces is not null)
            text = Spaces.Write(text, isBeginning);
        if (AddsPrefixSpace && text.Length > 0 && text[0] != ' ')
            text = ' ' + text;
        List<string> pieces = [text];
        foreach ((Regex pattern, bool gapsAreKept) in _splits)
        {
            var finer = new List<string>();
            foreach (string piece in pieces)
                Split(piece, pattern, gapsAreKept, finer);
            pieces = finer;
        }
        return pieces;
    }

    private static void Split(string text, Regex pattern, bool gapsAreKept, List<string> pieces)
    {
        BmpText copy = BmpText.Of(text);
        int reached = 0;
        foreach (ValueMatch match in pattern.EnumerateMatches(copy.Text))
        {
            if (match.Length == 0)
                continue;
            int start = copy.InText(match.Index),
                end = copy.InText(match.Index + match.Length);
            if (gapsAreKept && start > reached)
                pieces.Add(text[reached..start]);
            pieces.Add(text[start..end]);
            reached = end;
        }
        if (gapsAreKept && reached < text.Length)
            pieces.Add(text[reached..]);
    }

    private void Add(ConfigReader section)
    {
        switch (section.Text("type"))
        {
            case "Sequence":
                foreach (ConfigReader inner in section.Sections("pretokenizers"))
                    Add(inner);
                break;
            case "Metaspace" when !ByteLevel && Spaces is null && _splits.Count == 0:
                Spaces = Metaspace.Read(section);
                if (Spaces.Splits)
                    _splits.Add((new Regex(Spaces.WordPattern, RegexOptions.CultureInvariant), GapsAreKept: true));
                break;
            case "Digits" when !ByteLevel:
                string digits = section.Bool("individual_digits", whenAbsent: false) ? @"\p{N}" : @"\p{N}+";
                _splits.Add((new Regex(digits, RegexOptions.CultureInvariant), GapsAreKept: true));
                break;
            case "Split" when !ByteLevel:
                AddSplit(section);
                break;
            case "ByteLevel" when !ByteLevel:
                ByteLevel = true;
                AddsPrefixSpace = section.Bool("add_prefix_space", whenAbsent: true);
                if (AddsPrefixSpace && _splits.Count > 0)
                    throw section.Unsupported("add_prefix_space", "use a tokenizer that adds the space before it splits");
                if (section.Bool("use_regex", whenAbsent: true))
                    _splits.Add((Compile(section, "use_regex", Gpt2Pattern), GapsAreKept: true));
                break;
            default:
                throw section.Unsupported("type", "use a tokenizer with Split or Digits and then ByteLevel, with Metaspace, or with none");
        }
    }

    private void AddSplit(ConfigReader section)
    {
        bool inverted = section.Bool("invert", whenAbsent: false);
        string behavior = section.Text("behavior");
        if ((behavior, inverted) is not (("Isolated", false) or ("Removed", true)))
            throw section.Unsupported("behavior", "use a tokenizer with \"Isolated\", or with \"Removed\" inverted");
        ConfigReader pattern = section.Section("pattern");
        string source = pattern.TextIfPresent("Regex") ?? Regex.Escape(pattern.Text("String"));
        _splits.Add((Compile(section, "pattern", source), GapsAreKept: !inverted));
    }

    private static Regex Compile(ConfigReader section, string field, string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant);
        }
        catch (ArgumentException)
        {
            throw section.Unsupported(field, "use a tokenizer whose pattern .NET's regular expressions know");
        }
    }
}
