using System.Globalization;
using System.Text;

namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>Reads a pattern character by character, and its escapes.</summary>
internal sealed class PatternReader(string pattern)
{
    private int _place;

    /// <summary>Whether all is read.</summary>
    public bool AtEnd => _place >= pattern.Length;

    /// <summary>The place, to return to with <see cref="Return"/>.</summary>
    public int Place => _place;

    /// <summary>Whether these characters come next.</summary>
    public bool Sees(string text) => string.CompareOrdinal(pattern, _place, text, 0, text.Length) == 0;

    /// <summary>Whether these characters occur later.</summary>
    public bool SeesLater(char c) => pattern.IndexOf(c, _place) >= 0;

    /// <summary>Reads these characters if they come next.</summary>
    public bool Take(string text)
    {
        if (!Sees(text))
            return false;
        _place += text.Length;
        return true;
    }

    /// <summary>Reads one code point.</summary>
    public int Next()
    {
        if (AtEnd)
            throw Unsupported("an unfinished construct at the end");
        var rune = Rune.GetRuneAt(pattern, _place);
        _place += rune.Utf16SequenceLength;
        return rune.Value;
    }

    /// <summary>Reads up to a terminator, which is read too.</summary>
    public string Until(string terminator, string what)
    {
        int end = pattern.IndexOf(terminator, _place, StringComparison.Ordinal);
        if (end < 0)
            throw Unsupported($"{what} without its end");
        string text = pattern[_place..end];
        _place = end + terminator.Length;
        return text;
    }

    /// <summary>Reads a decimal number; null if none comes next.</summary>
    public int? Number()
    {
        int start = _place;
        while (!AtEnd && char.IsAsciiDigit(pattern[_place]) && _place - start < 6)
            _place++;
        return _place == start ? null : int.Parse(pattern.AsSpan(start, _place - start), CultureInfo.InvariantCulture);
    }

    /// <summary>Goes back.</summary>
    public void Return(int place) => _place = place;

    /// <summary>The error for a construct at this place.</summary>
    public PatternException Unsupported(string construct) => new(construct, Math.Min(_place, Math.Max(0, pattern.Length - 1)));

    /// <summary>Reads what follows a backslash and means characters: one code point, or a set.</summary>
    public (int? Character, CodePointSet? Set) Escape()
    {
        int c = Next();
        return c switch
        {
            't' => ('\t', null),
            'n' => ('\n', null),
            'r' => ('\r', null),
            'f' => ('\f', null),
            'v' => ('\v', null),
            'a' => ('\a', null),
            'e' => ('\e', null),
            'x' => (Hexadecimal(), null),
            'u' => (Digits(4, "\\u"), null),
            '0' when Number() is null => (0, null),
            'd' => (null, CharacterSets.Digits),
            'D' => (null, CharacterSets.Digits.Complement()),
            'w' => (null, CharacterSets.OnigurumaWord),
            'W' => (null, CharacterSets.OnigurumaWord.Complement()),
            's' => (null, CharacterSets.WhiteSpace),
            'S' => (null, CharacterSets.WhiteSpace.Complement()),
            'h' => (null, CharacterSets.HexDigits),
            'H' => (null, CharacterSets.HexDigits.Complement()),
            'p' => (null, Property(negated: false)),
            'P' => (null, Property(negated: true)),
            _ when c < 0x80 && !char.IsAsciiLetterOrDigit((char)c) => (c, null),
            _ => throw Unsupported($"\\{new Rune(c)}"),
        };
    }

    private CodePointSet Property(bool negated)
    {
        if (!Take("{"))
            throw Unsupported("\\p without a brace");
        negated ^= Take("^");
        string name = Until("}", "\\p");
        CodePointSet set = CharacterSets.Property(name) ?? throw Unsupported($"\\p{{{name}}}");
        return negated ? set.Complement() : set;
    }

    private int Hexadecimal()
    {
        if (!Take("{"))
        {
            int value = Digits(2, "\\x");
            return value < 0x80 ? value : throw Unsupported("\\x of a byte that is not ASCII");
        }
        string digits = Until("}", "\\x");
        return int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code)
            ? code
            : throw Unsupported($"\\x{{{digits}}}");
    }

    private int Digits(int count, string what)
    {
        if (
            _place + count <= pattern.Length
            && int.TryParse(pattern.AsSpan(_place, count), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            && Rune.IsValid(code)
        )
        {
            _place += count;
            return code;
        }
        throw Unsupported($"{what} without {count} hexadecimal digits");
    }
}
