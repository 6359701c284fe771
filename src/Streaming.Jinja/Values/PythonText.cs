using System.Globalization;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>
/// Python's <c>str</c>: a sequence of code points, with Python's set of white space. .NET's strings are UTF-16, so indexes are converted.
/// </summary>
internal static class PythonText
{
    /// <summary>What <c>str.isspace</c> holds for white space.</summary>
    public static bool IsSpace(char c) =>
        c
            is (>= '\t' and <= '\r')
                or (>= '\x1c' and <= ' ')
                or '\x85'
                or '\xa0'
                or '\u1680'
                or (>= '\u2000' and <= '\u200a')
                or '\u2028'
                or '\u2029'
                or '\u202f'
                or '\u205f'
                or '\u3000';

    /// <summary>Whether all characters are white space.</summary>
    public static bool IsSpace(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!IsSpace(c))
                return false;
        }
        return true;
    }

    /// <summary><c>str.lstrip</c>; null strips white space, other characters are a set of code points.</summary>
    public static string TrimStart(string text, string? characters = null) => text[LeadLength(text, characters)..];

    /// <summary><c>str.rstrip</c>.</summary>
    public static string TrimEnd(string text, string? characters = null) => text[..TailStart(text, characters)];

    /// <summary><c>str.strip</c>.</summary>
    public static string Trim(string text, string? characters = null) => TrimStart(TrimEnd(text, characters), characters);

    /// <summary>Code points.</summary>
    public static int Length(string text)
    {
        int length = text.Length;
        for (int i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i]))
            {
                length--;
                i++;
            }
        }
        return length;
    }

    /// <summary>Whether every code point is one UTF-16 unit, so that places need no conversion.</summary>
    public static bool IsFlat(string text) => !text.AsSpan().ContainsAnyInRange('\ud800', '\udfff');

    /// <summary>Each code point as a string of its own; a lone surrogate is one too.</summary>
    public static IEnumerable<string> CodePoints(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            int length = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            yield return text.Substring(i, length);
            i += length - 1;
        }
    }

    /// <summary>The UTF-16 index of a code point's place.</summary>
    public static int ToIndex(string text, int place)
    {
        int index = 0;
        for (; place > 0 && index < text.Length; place--)
            index += index + 1 < text.Length && char.IsSurrogatePair(text[index], text[index + 1]) ? 2 : 1;
        return index;
    }

    /// <summary>The code point's place of a UTF-16 index.</summary>
    public static int ToPlace(string text, int index) => Length(text[..index]);

    /// <summary>Compares by code points, as Python does.</summary>
    public static int Compare(string left, string right)
    {
        int common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        // In UTF-16 surrogates stand below U+E000..U+FFFF, though what they encode stands above.
        return Rank(left[common]).CompareTo(Rank(right[common]));
        static int Rank(char c) =>
            c >= 0xE000 ? c - 0x800
            : char.IsSurrogate(c) ? c + 0x2000
            : c;
    }

    /// <summary><c>repr</c> of a string.</summary>
    public static string Quote(string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        StringBuilder quoted = new StringBuilder(text.Length + 2).Append(quote);
        foreach (string point in CodePoints(text))
        {
            int code = point.Length == 2 ? char.ConvertToUtf32(point[0], point[1]) : point[0];
            switch (code)
            {
                case '\\':
                    quoted.Append("\\\\");
                    break;
                case '\n':
                    quoted.Append("\\n");
                    break;
                case '\r':
                    quoted.Append("\\r");
                    break;
                case '\t':
                    quoted.Append("\\t");
                    break;
                default:
                    if (code == quote)
                        quoted.Append('\\').Append(quote);
                    else if (IsPrintable(code))
                        quoted.Append(point);
                    else
                        quoted.Append(
                            code <= 0xff ? $"\\x{code:x2}"
                            : code <= 0xffff ? $"\\u{code:x4}"
                            : $"\\U{code:x8}"
                        );
                    break;
            }
        }
        return quoted.Append(quote).ToString();
    }

    /// <summary><c>str.isprintable</c> of one code point.</summary>
    public static bool IsPrintable(int code) =>
        code == ' '
        || CharUnicodeInfo.GetUnicodeCategory(code)
            is not (
                UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.SpaceSeparator
            );

    /// <summary><c>str.splitlines</c>.</summary>
    public static List<string> SplitLines(string text, bool keepEnds = false)
    {
        List<string> lines = [];
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ((>= '\n' and <= '\r') or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029'))
                continue;
            int end = i;
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
                i++;
            lines.Add(text[start..(keepEnds ? i + 1 : end)]);
            start = i + 1;
        }
        if (start < text.Length)
            lines.Add(text[start..]);
        return lines;
    }

    private static int LeadLength(string text, string? characters)
    {
        int lead = 0;
        foreach (string point in CodePoints(text))
        {
            if (!(characters is null ? IsSpace(point[0]) : CodePoints(characters).Contains(point)))
                break;
            lead += point.Length;
        }
        return lead;
    }

    private static int TailStart(string text, string? characters)
    {
        HashSet<string>? set = characters is null ? null : [.. CodePoints(characters)];
        int end = text.Length;
        while (end > 0)
        {
            int length = end > 1 && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? 2 : 1;
            if (!(set is null ? IsSpace(text[end - 1]) : set.Contains(text.Substring(end - length, length))))
                break;
            end -= length;
        }
        return end;
    }
}
