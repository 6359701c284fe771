using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Filters of one value: text, numbers, JSON.</summary>
internal static partial class TextFilters
{
    public static IEnumerable<(string Name, Filters.Function Function)> All { get; } =
    [
        ("abs", (_, v, a) => None(a, Absolute(v))),
        (
            "attr",
            (_, v, a) =>
                a.Bind(1, "name").Text("name") is var name && Members.TryAttribute(v, name, out object? attribute)
                    ? attribute
                    : new Undefined($"the attribute '{name}'")
        ),
        ("capitalize", (_, v, a) => None(a, PythonCase.Capitalize(Text(v)))),
        ("center", (_, v, a) => Center(v, a)),
        ("d", (_, v, a) => Default(v, a)),
        ("default", (_, v, a) => Default(v, a)),
        ("e", (_, v, a) => None(a, Markup.Escape(v))),
        ("escape", (_, v, a) => None(a, Markup.Escape(v))),
        ("filesizeformat", (_, v, a) => FileSize(v, a.Bind(0, "binary").Flag("binary"))),
        ("float", (_, v, a) => Float(v, a)),
        ("forceescape", (_, v, a) => None(a, Markup.Escape(Python.ToText(v)))),
        ("format", (_, v, a) => PercentFormat.Format(Text(v), FormatValues(a))),
        ("indent", (_, v, a) => Indent(v, a)),
        ("int", (_, v, a) => Integer(v, a)),
        ("lower", (_, v, a) => None(a, PythonCase.Lower(Text(v)))),
        (
            "replace",
            (_, v, a) =>
                a.Bind(2, "old", "new", "count") is var b
                    ? StringMethods.Replace(Text(v), Text(b.Get("old")), Text(b.Get("new")), b.Has("count") ? b.Integer("count", 0) : -1)
                    : null
        ),
        ("round", (_, v, a) => Round(v, a)),
        ("safe", (_, v, a) => None(a, new Markup(Python.ToText(v)))),
        ("string", (_, v, a) => None(a, v is Markup ? v : Text(v))),
        ("striptags", (_, v, a) => None(a, StripTags(Text(v)))),
        ("title", (_, v, a) => None(a, Title(Text(v)))),
        ("tojson", (_, v, a) => Json.Serialize(v, a)),
        ("trim", (_, v, a) => a.Bind(0, "chars") is var b ? PythonText.Trim(Text(v), b.Has("chars") ? b.Text("chars") : null) : null),
        ("truncate", (_, v, a) => Truncate(v, a)),
        ("upper", (_, v, a) => None(a, PythonCase.Upper(Text(v)))),
        ("urlencode", (_, v, a) => None(a, UrlEncode(v))),
        ("wordcount", (_, v, a) => None(a, (BigInteger)Words().Count(Text(v)))),
    ];

    /// <summary><c>str(value)</c>, which a filter of text begins with.</summary>
    private static string Text(object? value) =>
        value is Markup ? throw new JinjaException("a filter of text on a value marked as safe is not supported") : Python.ToText(value);

    private static object? None(Arguments arguments, object? result)
    {
        arguments.BindNone();
        return result;
    }

    private static object Absolute(object? value) =>
        PythonNumber.TryInteger(value, out BigInteger integer) ? BigInteger.Abs(integer)
        : value is double number ? Math.Abs(number)
        : throw new JinjaException($"'abs' expects a number, not a {Python.TypeName(value)}");

    private static object? Default(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "default_value", "boolean");
        return value is Undefined || (bound.Flag("boolean") && !Python.IsTrue(value)) ? bound.Get("default_value", "") : value;
    }

    private static string Center(object? value, Arguments arguments)
    {
        string text = Text(value);
        int width = arguments.Bind(0, "width").Integer("width", 80);
        int missing = Math.Max(0, width - PythonText.Length(text));
        int left = missing / 2 + (missing & width & 1);
        return PythonOperators.Repeat(" ", left) + text + PythonOperators.Repeat(" ", missing - left);
    }

    private static object? FormatValues(Arguments arguments)
    {
        if (arguments.Named.Count == 0)
            return new PyTuple(arguments.Positional);
        if (arguments.Positional.Count > 0)
            throw new JinjaException("'format' takes positional or named arguments, not both");
        var dict = new PyDict();
        foreach ((string name, object? item) in arguments.Named)
            dict[name] = item;
        return dict;
    }

    private static object? Float(object? value, Arguments arguments)
    {
        object? byDefault = arguments.Bind(0, "default").Get("default", 0.0);
        if (PythonNumber.IsNumber(value))
            return PythonNumber.ToDouble(value);
        if (value is Undefined missing)
            throw missing.Error();
        return value is string text && PythonNumber.TryParse(text, asFloat: true, out object? number) ? number : byDefault;
    }

    private static object? Integer(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "default", "base");
        object? byDefault = bound.Get("default", BigInteger.Zero);
        if (PythonNumber.TryInteger(value, out BigInteger integer))
            return integer;
        if (value is double number)
            return double.IsFinite(number) ? new BigInteger(Math.Truncate(number))
                : double.IsNaN(number) ? byDefault
                : throw new JinjaException("an infinite float is no int");
        if (value is Undefined missing)
            throw missing.Error();
        if (value is not string text)
            return byDefault;
        if (PythonNumber.TryParse(text, asFloat: false, out object? parsed, bound.Integer("base", 10)))
            return parsed;
        return PythonNumber.TryParse(text, asFloat: true, out object? real) && double.IsFinite((double)real!)
            ? new BigInteger(Math.Truncate((double)real))
            : byDefault;
    }

    private static object Round(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "precision", "method");
        int precision = bound.Integer("precision", 0);
        string method = bound.Text("method", "common");
        if (!PythonNumber.IsNumber(value))
            throw new JinjaException($"'round' expects a number, not a {Python.TypeName(value)}");
        if (method is not ("common" or "ceil" or "floor"))
            throw new JinjaException($"'round' has the methods common, ceil and floor, not '{method}'");
        if (method == "common")
        {
            if (value is double number)
                return double.IsFinite(number)
                    ? double.Parse(PythonNumber.ToFixed(number, precision), CultureInfo.InvariantCulture)
                    : number;
            PythonNumber.TryInteger(value, out BigInteger integer);
            return precision >= 0 ? integer : RoundInteger(integer, BigInteger.Pow(10, -precision));
        }
        double scale = Math.Pow(10, precision);
        double scaled = PythonNumber.ToDouble(value) * scale;
        return (method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale;
    }

    private static BigInteger RoundInteger(BigInteger value, BigInteger unit)
    {
        var quotient = BigInteger.DivRem(BigInteger.Abs(value), unit, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven))
            quotient++;
        return quotient * unit * value.Sign;
    }

    private static string FileSize(object? value, bool binary)
    {
        double size =
            PythonNumber.IsNumber(value) ? PythonNumber.ToDouble(value)
            : value is string text && PythonNumber.TryParse(text, asFloat: true, out object? number) ? (double)number!
            : throw new JinjaException("'filesizeformat' expects a number");
        double unit = binary ? 1024 : 1000;
        if (size == 1)
            return "1 Byte";
        if (size < unit)
            return $"{(long)size} Bytes";
        string[] prefixes = binary
            ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
            : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        int i = 0;
        while (i < prefixes.Length - 1 && size >= Math.Pow(unit, i + 2))
            i++;
        return $"{PythonNumber.ToFixed(size / Math.Pow(unit, i + 1), 1)} {prefixes[i]}";
    }

    private static string Indent(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "width", "first", "blank");
        string indent = bound.Get("width") is string given ? given : PythonOperators.Repeat(" ", bound.Integer("width", 4));
        if (value is not string source)
            throw new JinjaException($"'indent' expects a str, not a {Python.TypeName(value)}");
        List<string> lines = PythonText.SplitLines(source + "\n");
        string text = bound.Flag("blank")
            ? string.Join("\n" + indent, lines)
            : string.Join('\n', lines.Select((line, i) => i == 0 || line.Length == 0 ? line : indent + line));
        return bound.Flag("first") ? indent + text : text;
    }

    private static string Title(string text) =>
        string.Concat(
            WordBeginnings()
                .Split(text)
                .Where(w => w.Length > 0)
                .Select(word =>
                {
                    int first = char.IsSurrogatePair(word, 0) ? 2 : 1;
                    return PythonCase.Upper(word[..first]) + PythonCase.Lower(word[first..]);
                })
        );

    private static string Truncate(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "length", "killwords", "end", "leeway");
        string text = Text(value),
            end = bound.Text("end", "...");
        int length = bound.Integer("length", 255),
            leeway = bound.Has("leeway") ? bound.Integer("leeway", 0) : 5;
        if (length < PythonText.Length(end) || leeway < 0)
            throw new JinjaException("'truncate' expects a length of at least its end's, and a leeway of at least 0");
        if (PythonText.Length(text) <= length + leeway)
            return text;
        string cut = text[..PythonText.ToIndex(text, length - PythonText.Length(end))];
        int space = cut.LastIndexOf(' ');
        return (bound.Flag("killwords") || space < 0 ? cut : cut[..space]) + end;
    }

    private static string StripTags(string text)
    {
        string plain = Tags().Replace(HtmlComments().Replace(text, ""), "");
        return System.Net.WebUtility.HtmlDecode(string.Join(' ', plain.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    private static string UrlEncode(object? value)
    {
        if (value is not string && (value is PyDict || Python.TryIterate(value, out _)))
        {
            IEnumerable<object?> pairs = value is PyDict dict
                ? dict.Items.Select(i => (object?)new PyTuple([i.Key, i.Value]))
                : Python.Iterate(value);
            return string.Join(
                '&',
                pairs.Select(pair => string.Join('=', Python.Iterate(pair).Select(part => Quote(Python.ToText(part), inQuery: true))))
            );
        }
        return Quote(Python.ToText(value), inQuery: false);
    }

    private static string Quote(string text, bool inQuery)
    {
        var quoted = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'~' || (b == '/' && !inQuery))
                quoted.Append((char)b);
            else if (b == ' ' && inQuery)
                quoted.Append('+');
            else
                quoted.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }
        return quoted.ToString();
    }

    [GeneratedRegex(@"([-\s({\[<]+)")]
    private static partial Regex WordBeginnings();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline)]
    private static partial Regex HtmlComments();

    [GeneratedRegex("<.*?>", RegexOptions.Singleline)]
    private static partial Regex Tags();
}
