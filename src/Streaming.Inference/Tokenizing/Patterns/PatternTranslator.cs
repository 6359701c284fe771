using System.Globalization;
using System.Text;

namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>
/// Translates Oniguruma's regular expressions (its Ruby syntax, which Hugging Face's tokenizers use) to .NET's over an alphabet of
/// classes: each set of characters in the pattern becomes a leaf, which stands in the translation as one character from U+E000 on. So
/// nothing depends on .NET's own sets, its case folding, or UTF-16. What is left is syntax; what .NET lacks is refused.
/// </summary>
internal sealed class PatternTranslator
{
    /// <summary>The character of the first leaf.</summary>
    public const char FirstLeaf = '\uE000';

    private const int MostLeaves = 2_000,
        Longest = 20_000,
        DeepestNesting = 100;

    private readonly PatternReader _reader;
    private readonly List<CodePointSet> _leaves = [];
    private readonly Dictionary<CodePointSet, string> _placeholders = [];
    private int _depth;

    private PatternTranslator(string pattern) => _reader = new PatternReader(pattern);

    /// <summary>Translates a pattern.</summary>
    /// <exception cref="PatternException">It has a construct that is not supported.</exception>
    public static (string Regex, IReadOnlyList<CodePointSet> Leaves) Translate(string pattern)
    {
        if (pattern.Length > Longest)
            throw new PatternException($"a pattern of more than {Longest} characters", 0);
        var translator = new PatternTranslator(pattern);
        string regex = translator.Alternatives(new Options());
        return translator._reader.AtEnd ? (regex, translator._leaves) : throw translator._reader.Unsupported("a closing parenthesis");
    }

    /// <summary>Translates a text to a pattern that matches it.</summary>
    public static (string Regex, IReadOnlyList<CodePointSet> Leaves) TranslateText(string text)
    {
        var translator = new PatternTranslator("");
        return (string.Concat(text.EnumerateRunes().Select(rune => translator.Leaf(CodePointSet.Of(rune.Value)))), translator._leaves);
    }

    private string NewLine => Leaf(CharacterSets.LineFeed);

    private string Word => Leaf(CharacterSets.OnigurumaWord);

    private readonly record struct Options(bool IgnoresCase, bool DotMatchesAll);

    private string Alternatives(Options options)
    {
        if (++_depth > DeepestNesting)
            throw _reader.Unsupported("groups nested too deeply");
        var all = new StringBuilder(Sequence(options));
        while (_reader.Take("|"))
            all.Append('|').Append(Sequence(options));
        _depth--;
        return all.ToString();
    }

    private string Sequence(Options options)
    {
        var sequence = new StringBuilder();
        int? previous = null; // a literal character where case is ignored
        while (!_reader.AtEnd && !_reader.Sees("|") && !_reader.Sees(")"))
        {
            if (_reader.Take("(?#"))
            {
                _reader.Until(")", "a comment");
                continue;
            }
            if (InlineOptions(options) is (Options changed, bool rest))
            {
                string group = $"(?:{Alternatives(changed)})";
                if (rest)
                    return sequence.Append(group).ToString(); // they hold for the alternatives that follow, too
                Close();
                sequence.Append(Quantified(group));
                previous = null;
                continue;
            }
            int? literal = null;
            string item = Item(options, ref literal);
            if (options.IgnoresCase && literal is int right && previous is int left && CaseFolding.MayJoin(left, right))
                throw _reader.Unsupported($"\"{(char)left}{(char)right}\" where case is ignored, which equals one character");
            previous = literal;
            sequence.Append(Quantified(item));
        }
        return sequence.ToString();
    }

    /// <summary>Reads (?i) or (?i: and the like; null if neither comes next.</summary>
    private (Options Options, bool ToTheEnd)? InlineOptions(Options options)
    {
        int place = _reader.Place;
        if (!_reader.Take("(?"))
            return null;
        bool on = true;
        while (true)
        {
            if (_reader.Take("i"))
                options = options with { IgnoresCase = on };
            else if (_reader.Take("m"))
                options = options with { DotMatchesAll = on };
            else if (on && _reader.Take("-"))
                on = false;
            else
                break;
        }
        bool some = _reader.Place > place + 2;
        if (some && _reader.Take(")"))
            return (options, true);
        if (some && _reader.Take(":"))
            return (options, false);
        _reader.Return(place);
        return null;
    }

    private string Item(Options options, ref int? literal)
    {
        if (_reader.Take("("))
            return Group(options);
        if (_reader.Take("["))
            return Leaf(ClassParser.Read(_reader, options.IgnoresCase));
        if (_reader.Take("."))
            return Leaf(options.DotMatchesAll ? CodePointSet.All : CharacterSets.LineFeed.Complement());
        if (_reader.Take("^"))
            return Assertion($@"(?:\A|(?<={NewLine})(?!\z))");
        if (_reader.Take("$"))
            return Assertion($@"(?:(?={NewLine})|(?<!{NewLine})\z)");
        if (_reader.Take("\\"))
            return Escape(options, ref literal);
        if (_reader.Sees("*") || _reader.Sees("+") || _reader.Sees("?"))
            throw _reader.Unsupported("a quantifier without a subject");
        literal = _reader.Next();
        return Literal(literal.Value, options);
    }

    private string Group(Options options)
    {
        foreach (string kind in (ReadOnlySpan<string>)["?:", "?>", "?=", "?!", "?<=", "?<!"])
        {
            if (!_reader.Take(kind))
                continue;
            string group = $"({kind}{Alternatives(options)})";
            Close();
            return kind is "?:" or "?>" ? group : Assertion(group);
        }
        if (_reader.Sees("?<") || _reader.Sees("?'"))
            throw _reader.Unsupported("a named group");
        if (_reader.Sees("?") || _reader.Sees("*"))
            throw _reader.Unsupported("a group that begins so");
        string inner = $"(?:{Alternatives(options)})"; // without back references a capture is a group
        Close();
        return inner;
    }

    private void Close()
    {
        if (!_reader.Take(")"))
            throw _reader.Unsupported("a group without its end");
    }

    private string Escape(Options options, ref int? literal)
    {
        if (_reader.Take("A"))
            return Assertion(@"\A");
        if (_reader.Take("z"))
            return Assertion(@"\z");
        if (_reader.Take("Z"))
            return Assertion($@"(?={NewLine}?\z)");
        if (_reader.Take("b"))
            return Assertion($"(?:(?<={Word})(?!{Word})|(?<!{Word})(?={Word}))");
        if (_reader.Take("B"))
            return Assertion($"(?:(?<={Word})(?={Word})|(?<!{Word})(?!{Word}))");
        if (_reader.Take("R"))
            return $"(?>{Leaf(CodePointSet.Of('\r'))}{NewLine}|{Leaf(CodePointSet.Of("\n\v\f\r\u0085\u2028\u2029"))})";
        if (_reader.Take("N"))
            return Leaf(CharacterSets.LineFeed.Complement());
        if (_reader.Take("O"))
            return Leaf(CodePointSet.All);
        (int? character, CodePointSet? set) = _reader.Escape();
        if (set is not null)
            return Leaf(set);
        literal = character;
        return Literal(character!.Value, options);
    }

    private string Literal(int codePoint, Options options)
    {
        if (!options.IgnoresCase)
            return Leaf(CodePointSet.Of(codePoint));
        return Leaf(CaseFolding.Of(codePoint) ?? throw _reader.Unsupported($"\"{new Rune(codePoint)}\" where case is ignored"));
    }

    /// <summary>An item that no quantifier may follow.</summary>
    private string Assertion(string item) => TakeQuantifier() is null ? item : throw _reader.Unsupported("a quantifier after an assertion");

    /// <summary>An item with the quantifiers that follow it.</summary>
    private string Quantified(string item)
    {
        bool repeats = true; // whether a further quantifier may follow: after intervals a + is one
        while (TakeQuantifier() is (string quantifier, bool isInterval))
        {
            if (!repeats)
                throw _reader.Unsupported("a quantifier after a quantifier");
            repeats = isInterval;
            bool isFixed = isInterval && !quantifier.Contains(',', StringComparison.Ordinal);
            string repeated = $"(?:{item}){quantifier}";
            if (isFixed && _reader.Take("?"))
                item = $"(?:{repeated})?"; // {n}? is an optional repetition
            else if (_reader.Take("?"))
                item = $"{repeated}?";
            else if (!isInterval && _reader.Take("+"))
                item = $"(?>{repeated})";
            else
                item = repeated;
        }
        return item;
    }

    private (string Quantifier, bool IsInterval)? TakeQuantifier()
    {
        foreach (string simple in (ReadOnlySpan<string>)["*", "+", "?"])
        {
            if (_reader.Take(simple))
                return (simple, false);
        }
        int place = _reader.Place;
        if (_reader.Take("{"))
        {
            int? least = _reader.Number();
            bool comma = _reader.Take(",");
            int? most = comma ? _reader.Number() : least;
            if ((least ?? most) is not null && _reader.Take("}"))
            {
                if (most < (least ?? 0) || most > 1_000 || least > 1_000)
                    throw _reader.Unsupported("an interval that descends or exceeds 1000");
                string first = (least ?? 0).ToString(CultureInfo.InvariantCulture);
                return (comma ? $"{{{first},{most?.ToString(CultureInfo.InvariantCulture)}}}" : $"{{{first}}}", true);
            }
            _reader.Return(place); // a brace that stands for itself
        }
        return null;
    }

    private string Leaf(CodePointSet set)
    {
        if (_placeholders.TryGetValue(set, out string? placeholder))
            return placeholder;
        if (_leaves.Count == MostLeaves)
            throw _reader.Unsupported($"more than {MostLeaves} different characters and classes");
        placeholder = ((char)(FirstLeaf + _leaves.Count)).ToString();
        _leaves.Add(set);
        return _placeholders[set] = placeholder;
    }
}
