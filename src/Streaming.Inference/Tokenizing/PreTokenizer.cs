using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing.Patterns;

namespace Streaming.Inference.Tokenizing;

/// <summary>A tokenizer's <c>pre_tokenizer</c>, which splits plain text into the pieces that merges never cross.</summary>
internal sealed class PreTokenizer
{
    /// <summary>GPT-2's pattern, the default of ByteLevel pre-tokenizers.</summary>
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private delegate void Step(string piece, SectionStart start, List<string> pieces);

    private readonly List<Step> _steps = [];

    private PreTokenizer() { }

    /// <summary>Whether pieces are then split into bytes.</summary>
    public bool ByteLevel { get; private set; }

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
    /// <param name="start">What comes before it.</param>
    public List<string> Split(string text, SectionStart start)
    {
        List<string> pieces = [text];
        foreach (Step step in _steps)
        {
            var finer = new List<string>();
            SectionStart own = start;
            foreach (string piece in pieces)
            {
                step(piece, own, finer);
                own = SectionStart.AfterToken; // only the first one can be inside
            }
            pieces = finer;
        }
        return pieces;
    }

    private void Add(ConfigReader section)
    {
        string type = section.Text("type");
        if (ByteLevel)
            throw section.Unsupported("type", "use a tokenizer in which ByteLevel is the last pre-tokenizer");
        switch (type)
        {
            case "Sequence":
                foreach (ConfigReader inner in section.Sections("pretokenizers"))
                    Add(inner);
                break;
            case "Metaspace":
                AddMetaspace(section);
                break;
            case "Digits":
                bool each = section.Bool("individual_digits", whenAbsent: false);
                AddSplitter(
                    CharacterPattern.OneOf(CharacterSets.Numeric),
                    each ? PieceSplitter.Behavior.Isolated : PieceSplitter.Behavior.Contiguous
                );
                break;
            case "Punctuation":
                AddSplitter(CharacterPattern.OneOf(CharacterSets.RustPunctuation), Behavior(section, whenAbsent: "Isolated"));
                break;
            case "WhitespaceSplit":
                AddSplitter(CharacterPattern.OneOf(CharacterSets.WhiteSpace), PieceSplitter.Behavior.Removed);
                break;
            case "Split":
                AddSplit(section);
                break;
            case "ByteLevel":
                AddByteLevel(section);
                break;
            default:
                throw section.Unsupported(
                    "type",
                    "use a tokenizer with Split, Digits, Punctuation, WhitespaceSplit, Metaspace or ByteLevel, or with none"
                );
        }
    }

    private void AddSplitter(CharacterPattern pattern, PieceSplitter.Behavior behavior, bool inverted = false)
    {
        var splitter = new PieceSplitter(pattern, behavior, inverted);
        _steps.Add((piece, _, pieces) => splitter.Split(piece, pieces));
    }

    private void AddMetaspace(ConfigReader section)
    {
        var spaces = Metaspace.Read(section);
        if (spaces.Prepends == Metaspace.Scheme.First && _steps.Count > 0)
            throw section.Unsupported("prepend_scheme", "use a tokenizer that prepends the space before it splits");
        _steps.Add((piece, start, pieces) => pieces.Add(spaces.Write(piece, start)));
        if (spaces.Splits)
            AddSplitter(CharacterPattern.Text(spaces.Replacement), PieceSplitter.Behavior.MergedWithNext);
    }

    private void AddByteLevel(ConfigReader section)
    {
        ByteLevel = true;
        if (section.Bool("add_prefix_space", whenAbsent: true))
        {
            _steps.Add(
                (piece, start, pieces) =>
                    pieces.Add(piece.Length == 0 || piece[0] == ' ' || start == SectionStart.Inside ? piece : ' ' + piece)
            );
        }
        if (section.Bool("use_regex", whenAbsent: true))
            AddSplitter(CharacterPattern.Compile(Gpt2Pattern), PieceSplitter.Behavior.Isolated);
    }

    private void AddSplit(ConfigReader section)
    {
        ConfigReader pattern = section.Section("pattern");
        AddSplitter(
            pattern.TextIfPresent("Regex") is string regex ? Compile(section, regex) : CharacterPattern.Text(pattern.Text("String")),
            Behavior(section, whenAbsent: null),
            section.Bool("invert", whenAbsent: false)
        );
    }

    private static PieceSplitter.Behavior Behavior(ConfigReader section, string? whenAbsent)
    {
        string name = section.TextIfPresent("behavior") ?? whenAbsent ?? section.Text("behavior");
        return Enum.TryParse(name, out PieceSplitter.Behavior behavior) && Enum.IsDefined(behavior) && !char.IsAsciiDigit(name[0])
            ? behavior
            : throw section.Wrong(
                "behavior",
                "one of \"Isolated\", \"Removed\", \"Contiguous\", \"MergedWithPrevious\", \"MergedWithNext\""
            );
    }

    private static CharacterPattern Compile(ConfigReader section, string pattern)
    {
        try
        {
            return CharacterPattern.Compile(pattern);
        }
        catch (PatternException e)
        {
            throw section.Unsupported("pattern", $"it has {e.Construct} at character {e.Place}; use a tokenizer without it");
        }
    }
}
