using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>The methods of Python's <c>str</c>.</summary>
internal static class StringMethods
{
    private delegate object? Method(string self, Arguments arguments);

    private static readonly FrozenDictionary<string, Method> Methods = new Dictionary<string, Method>
    {
        ["capitalize"] = (s, a) => NoArguments(a, PythonCase.Capitalize(s)),
        ["center"] = (s, a) => Pad(s, a, (missing, width) => missing / 2 + (missing & width & 1)),
        ["count"] = (s, a) => (BigInteger)Count(s, a),
        ["endswith"] = (s, a) => Matches(s, a, (text, part) => text.EndsWith(part, StringComparison.Ordinal)),
        ["expandtabs"] = (s, a) => ExpandTabs(s, a.Bind(0, "tabsize").Integer("tabsize", 8)),
        ["find"] = (s, a) => (BigInteger)Find(s, a, last: false),
        ["format"] = (s, a) => StringFormat.Format(s, a),
        ["index"] = (s, a) => Found(Find(s, a, last: false)),
        ["isalnum"] = (s, a) => NoArguments(a, All(s, r => PythonCase.IsLetter(r) || PythonCase.IsNumeric(r))),
        ["isalpha"] = (s, a) => NoArguments(a, All(s, PythonCase.IsLetter)),
        ["isascii"] = (s, a) => NoArguments(a, s.All(char.IsAscii)),
        ["isdecimal"] = (s, a) => NoArguments(a, All(s, r => Rune.GetUnicodeCategory(r) == UnicodeCategory.DecimalDigitNumber)),
        ["isdigit"] = (s, a) => NoArguments(a, All(s, PythonCase.IsDigit)),
        ["islower"] = (s, a) => NoArguments(a, PythonCase.IsLower(s)),
        ["isnumeric"] = (s, a) => NoArguments(a, All(s, PythonCase.IsNumeric)),
        ["isprintable"] = (s, a) => NoArguments(a, s.EnumerateRunes().All(r => PythonText.IsPrintable(r.Value))),
        ["isspace"] = (s, a) => NoArguments(a, s.Length > 0 && PythonText.IsSpace(s)),
        ["istitle"] = (s, a) => NoArguments(a, PythonCase.IsTitle(s)),
        ["isupper"] = (s, a) => NoArguments(a, PythonCase.IsUpper(s)),
        ["join"] = (s, a) => string.Join(s, Python.Iterate(a.Bind(1, "iterable").Get("iterable")).Select(JoinItem)),
        ["ljust"] = (s, a) => Pad(s, a, (_, _) => 0),
        ["lower"] = (s, a) => NoArguments(a, PythonCase.Lower(s)),
        ["lstrip"] = (s, a) => PythonText.TrimStart(s, Characters(a)),
        ["partition"] = (s, a) => Partition(s, a, last: false),
        ["removeprefix"] = (s, a) =>
            a.Bind(1, "prefix").Text("prefix") is var p && s.StartsWith(p, StringComparison.Ordinal) ? s[p.Length..] : s,
        ["removesuffix"] = (s, a) =>
            a.Bind(1, "suffix").Text("suffix") is { Length: > 0 } p && s.EndsWith(p, StringComparison.Ordinal) ? s[..^p.Length] : s,
        ["replace"] = (s, a) =>
            a.Bind(2, "old", "new", "count") is var b ? Replace(s, b.Text("old"), b.Text("new"), b.Integer("count", -1)) : s,
        ["rfind"] = (s, a) => (BigInteger)Find(s, a, last: true),
        ["rindex"] = (s, a) => Found(Find(s, a, last: true)),
        ["rjust"] = (s, a) => Pad(s, a, (missing, _) => missing),
        ["rpartition"] = (s, a) => Partition(s, a, last: true),
        ["rsplit"] = (s, a) => Split(s, a, fromEnd: true),
        ["rstrip"] = (s, a) => PythonText.TrimEnd(s, Characters(a)),
        ["split"] = (s, a) => Split(s, a, fromEnd: false),
        ["splitlines"] = (s, a) => ToList(PythonText.SplitLines(s, a.Bind(0, "keepends").Flag("keepends"))),
        ["startswith"] = (s, a) => Matches(s, a, (text, part) => text.StartsWith(part, StringComparison.Ordinal)),
        ["strip"] = (s, a) => PythonText.Trim(s, Characters(a)),
        ["swapcase"] = (s, a) => NoArguments(a, PythonCase.Swap(s)),
        ["title"] = (s, a) => NoArguments(a, PythonCase.Title(s)),
        ["upper"] = (s, a) => NoArguments(a, PythonCase.Upper(s)),
        ["zfill"] = (s, a) => ZeroFill(s, a.Bind(1, "width").Integer("width", 0)),
    }.ToFrozenDictionary();

    /// <summary>A method of a string; null when <c>str</c> has none of that name.</summary>
    /// <exception cref="JinjaException"><c>str</c> has it and it is not supported.</exception>
    public static PyFunction? Find(string self, string name) =>
        Methods.TryGetValue(name, out Method? method) ? new PyFunction(name, a => method(self, a))
        : name is "casefold" or "encode" or "format_map" or "isidentifier" or "maketrans" or "translate"
            ? throw new JinjaException($"the method '{name}' of a str is not supported")
        : null;

    /// <summary><c>str.replace</c>.</summary>
    public static string Replace(string text, string old, string with, int count)
    {
        if (count < 0 && old.Length > 0)
            return text.Replace(old, with, StringComparison.Ordinal);
        var replaced = new StringBuilder();
        int at = 0;
        for (int done = 0; count < 0 || done < count; done++)
        {
            int next =
                old.Length > 0 ? text.IndexOf(old, at, StringComparison.Ordinal)
                : done == 0 ? 0
                : at + PointLength(text, at);
            if (next < 0 || next > text.Length || (old.Length == 0 && done > 0 && at == text.Length))
                break;
            replaced.Append(text, at, next - at).Append(with);
            at = next + old.Length;
        }
        return replaced.Append(text, at, text.Length - at).ToString();
    }

    private static int PointLength(string text, int at) => at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1;

    private static object NoArguments(Arguments arguments, object result)
    {
        arguments.BindNone();
        return result;
    }

    private static bool All(string text, Func<Rune, bool> condition) => text.Length > 0 && text.EnumerateRunes().All(condition);

    private static string? Characters(Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "chars");
        return bound.Has("chars") ? bound.Text("chars") : null;
    }

    private static string JoinItem(object? item, int index) =>
        item is string or Markup
            ? Python.ToText(item)
            : throw new JinjaException($"join() expects str items, and item {index} is a {Python.TypeName(item)}");

    private static string Pad(string text, Arguments arguments, Func<int, int, int> left)
    {
        BoundArguments bound = arguments.Bind(1, "width", "fillchar");
        int width = bound.Integer("width", 0);
        string fill = bound.Text("fillchar", " ");
        if (PythonText.Length(fill) != 1)
            throw new JinjaException($"{arguments.Function}() expects one character to fill with");
        int missing = width - PythonText.Length(text);
        if (missing <= 0)
            return text;
        int before = left(missing, width);
        return PythonOperators.Repeat(fill, before) + text + PythonOperators.Repeat(fill, missing - before);
    }

    /// <summary>
    /// The part of a string between the arguments <c>start</c> and <c>end</c>, and where it starts in UTF-16 units; null when start is
    /// beyond the end.
    /// </summary>
    private static (string Part, int Start)? Range(string text, BoundArguments bound)
    {
        int length = PythonText.Length(text);
        int start = bound.Has("start") ? Clamp(bound.Integer("start", 0), length) : 0;
        int end = bound.Has("end") ? Math.Min(Clamp(bound.Integer("end", 0), length), length) : length;
        if (start > length || start > end)
            return null;
        int from = PythonText.ToIndex(text, start);
        return (text[from..PythonText.ToIndex(text, end)], from);
    }

    private static int Clamp(int place, int length) => place < 0 ? Math.Max(0, place + length) : place;

    private static int Count(string text, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(1, "sub", "start", "end");
        string sub = bound.Text("sub");
        if (Range(text, bound) is not { } range)
            return 0;
        if (sub.Length == 0)
            return PythonText.Length(range.Part) + 1;
        int count = 0;
        for (int at = 0; (at = range.Part.IndexOf(sub, at, StringComparison.Ordinal)) >= 0; at += sub.Length)
            count++;
        return count;
    }

    private static int Find(string text, Arguments arguments, bool last)
    {
        BoundArguments bound = arguments.Bind(1, "sub", "start", "end");
        string sub = bound.Text("sub");
        if (Range(text, bound) is not { } range)
            return -1;
        int at = last ? range.Part.LastIndexOf(sub, StringComparison.Ordinal) : range.Part.IndexOf(sub, StringComparison.Ordinal);
        return at < 0 ? -1 : PythonText.ToPlace(text, range.Start + at);
    }

    private static BigInteger Found(int place) => place >= 0 ? place : throw new JinjaException("index() did not find the text");

    private static bool Matches(string text, Arguments arguments, Func<string, string, bool> matches)
    {
        BoundArguments bound = arguments.Bind(1, "prefix", "start", "end");
        object? wanted = bound.Get("prefix");
        IEnumerable<object?> parts = wanted is PyTuple tuple ? tuple.Items : [wanted];
        bool found = false;
        foreach (object? part in parts)
        {
            if (part is not (string or Markup))
                throw new JinjaException($"{arguments.Function}() expects a str or a tuple of str, not a {Python.TypeName(part)}");
            found |= Range(text, bound) is { } range && matches(range.Part, Python.ToText(part));
        }
        return found;
    }

    private static PyTuple Partition(string text, Arguments arguments, bool last)
    {
        string separator = arguments.Bind(1, "sep").Text("sep");
        if (separator.Length == 0)
            throw new JinjaException("an empty separator");
        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at >= 0 ? new PyTuple([text[..at], separator, text[(at + separator.Length)..]])
            : last ? new PyTuple(["", "", text])
            : new PyTuple([text, "", ""]);
    }

    private static List<object?> Split(string text, Arguments arguments, bool fromEnd)
    {
        BoundArguments bound = arguments.Bind(0, "sep", "maxsplit");
        int most = bound.Integer("maxsplit", -1);
        if (!bound.Has("sep"))
            return SplitAtSpace(text, most, fromEnd);
        string separator = bound.Text("sep");
        if (separator.Length == 0)
            throw new JinjaException("an empty separator");
        string[] all = text.Split(separator, StringSplitOptions.None);
        if (most < 0 || all.Length - 1 <= most)
            return ToList(all);
        int kept = all.Length - 1 - most; // separators that stay
        return fromEnd
            ? [string.Join(separator, all[..(kept + 1)]), .. all[(kept + 1)..]]
            : [.. all[..most], string.Join(separator, all[most..])];
    }

    private static List<object?> SplitAtSpace(string text, int most, bool fromEnd)
    {
        List<object?> parts = [];
        for (string rest = Trimmed(text); rest.Length > 0; )
        {
            int space = fromEnd ? rest.AsSpan().LastIndexOfSpace() : rest.AsSpan().IndexOfSpace();
            if (space < 0 || (most >= 0 && parts.Count == most))
            {
                parts.Add(rest); // with the white space at its other end, as in Python
                break;
            }
            parts.Add(fromEnd ? rest[(space + 1)..] : rest[..space]);
            rest = Trimmed(fromEnd ? rest[..space] : rest[space..]);
        }
        if (fromEnd)
            parts.Reverse();
        return parts;

        string Trimmed(string rest) => fromEnd ? PythonText.TrimEnd(rest) : PythonText.TrimStart(rest);
    }

    private static int IndexOfSpace(this ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (PythonText.IsSpace(text[i]))
                return i;
        }
        return -1;
    }

    private static int LastIndexOfSpace(this ReadOnlySpan<char> text)
    {
        for (int i = text.Length - 1; i >= 0; i--)
        {
            if (PythonText.IsSpace(text[i]))
                return i;
        }
        return -1;
    }

    private static List<object?> ToList(IEnumerable<string> items) => [.. items];

    private static string ExpandTabs(string text, int size)
    {
        var expanded = new StringBuilder();
        int column = 0;
        foreach (string point in PythonText.CodePoints(text))
        {
            if (point == "\t")
            {
                int spaces = size > 0 ? size - column % size : 0;
                expanded.Append(PythonOperators.Repeat(" ", spaces));
                column += spaces;
                continue;
            }
            expanded.Append(point);
            column = point is "\n" or "\r" ? 0 : column + 1;
        }
        return expanded.ToString();
    }

    private static string ZeroFill(string text, int width)
    {
        string sign = text is ['+' or '-', ..] ? text[..1] : "";
        return sign + PythonOperators.Repeat("0", width - PythonText.Length(text)) + text[sign.Length..];
    }
}
