using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Python's <c>str.format</c>, and its format specifications for str, int and float.</summary>
internal static class StringFormat
{
    /// <summary>Fills the fields of a format.</summary>
    /// <exception cref="JinjaException">A brace is single, or a field names no argument or an unknown format.</exception>
    public static string Format(string format, Arguments arguments)
    {
        int? automatic = null;
        return Format(format, arguments, ref automatic, depth: 0);
    }

    private static string Format(string format, Arguments arguments, ref int? automatic, int depth)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c)
            {
                text.Append(c);
                i++;
            }
            else if (c == '{')
            {
                int end = ClosingBrace(format, i + 1);
                text.Append(Field(format[(i + 1)..end], arguments, ref automatic, depth));
                i = end;
            }
            else if (c == '}')
                throw new JinjaException("a single '}' in a format");
            else
                text.Append(c);
        }
        return text.ToString();
    }

    private static int ClosingBrace(string format, int at)
    {
        int depth = 1;
        for (; at < format.Length; at++)
        {
            depth +=
                format[at] == '{' ? 1
                : format[at] == '}' ? -1
                : 0;
            if (depth == 0)
                return at;
        }
        throw new JinjaException("a '{' in a format is not closed");
    }

    private static string Field(string field, Arguments arguments, ref int? automatic, int depth)
    {
        if (depth > 1)
            throw new JinjaException("a format is nested too deeply");
        int colon = field.IndexOf(':', StringComparison.Ordinal);
        string specification = colon < 0 ? "" : field[(colon + 1)..];
        string name = colon < 0 ? field : field[..colon];
        int mark = name.IndexOf('!', StringComparison.Ordinal);
        string conversion = mark < 0 ? "" : name[(mark + 1)..];
        object? value = Value(mark < 0 ? name : name[..mark], arguments, ref automatic);
        specification = Format(specification, arguments, ref automatic, depth + 1);
        return conversion switch
        {
            "" => Specify(value, specification),
            "s" => Specify(Python.ToText(value), specification),
            "r" => Specify(Python.Represent(value), specification),
            _ => throw new JinjaException($"the conversion '!{conversion}' of a format is not supported"),
        };
    }

    private static object? Value(string name, Arguments arguments, ref int? automatic)
    {
        int end = name.IndexOfAny(['.', '[']);
        string first = end < 0 ? name : name[..end];
        bool isAutomatic = first.Length == 0;
        if (isAutomatic || int.TryParse(first, out _))
        {
            if (automatic is not null && isAutomatic != automatic >= 0)
                throw new JinjaException("a format has fields with numbers and fields without");
            automatic = isAutomatic ? (automatic ?? 0) + 1 : -1;
            first = isAutomatic ? (automatic - 1).ToString()! : first;
        }
        object? value = int.TryParse(first, out int index)
            ? index < arguments.Positional.Count
                ? arguments.Positional[index]
                : throw NoArgument(first)
            : arguments.Named.Any(n => n.Name == first)
                ? arguments.Named.First(n => n.Name == first).Value
                : throw NoArgument(first);
        return end < 0 ? value : throw new JinjaException("an attribute or item in a field of a format is not supported");
    }

    private static JinjaException NoArgument(string name) => new($"a format names the argument '{name}', which was not given");

    /// <summary><c>format(value, specification)</c>.</summary>
    public static string Specify(object? value, string specification)
    {
        if (specification.Length == 0)
            return Python.ToText(value);
        var spec = Specification.Parse(specification);
        if (value is string or Markup)
            return spec.Pad(spec.Text(Python.ToText(value)), isNumber: false);
        if (!PythonNumber.IsNumber(value))
            throw new JinjaException($"a {Python.TypeName(value)} takes no format '{specification}'");
        return spec.Pad(spec.Number(value), isNumber: true);
    }

    /// <summary><c>[[fill]align][sign][#][0][width][grouping][.precision][type]</c>.</summary>
    private sealed record Specification(
        string Fill,
        char Align,
        char Sign,
        bool Alternate,
        int Width,
        char Grouping,
        int? Precision,
        char Kind
    )
    {
        public static Specification Parse(string text)
        {
            string[] points = [.. PythonText.CodePoints(text)];
            int at = 0;
            string fill = " ";
            char align = '\0';
            if (points.Length > 1 && points[1] is "<" or ">" or "^" or "=")
                (fill, align, at) = (points[0], points[1][0], 2);
            else if (Peek() is '<' or '>' or '^' or '=')
                align = points[at++][0];
            char sign = Peek() is '+' or '-' or ' ' ? points[at++][0] : '-';
            bool alternate = Peek() == '#';
            at += alternate ? 1 : 0;
            if (Peek() == '0')
            {
                at++;
                if (align == '\0')
                    (fill, align) = ("0", '=');
            }
            int width = Number() ?? 0;
            char grouping = Peek() is ',' or '_' ? points[at++][0] : '\0';
            int? precision = null;
            if (Peek() == '.')
            {
                at++;
                precision = Number() ?? throw new JinjaException("a format misses its precision after '.'");
            }
            char kind = at < points.Length ? points[at++][0] : '\0';
            return at == points.Length
                ? new Specification(fill, align, sign, alternate, width, grouping, precision, kind)
                : throw new JinjaException($"'{text}' is not a format");

            char Peek() => at < points.Length ? points[at][0] : '\0';

            int? Number()
            {
                int start = at;
                while (char.IsAsciiDigit(Peek()))
                    at++;
                if (at == start)
                    return null;
                return int.TryParse(string.Concat(points[start..at]), out int number)
                    ? number
                    : throw new JinjaException("a width of a format is too large");
            }
        }

        public string Text(string value)
        {
            if (Kind is not ('\0' or 's') || Align == '=')
                throw new JinjaException("a str takes no format of numbers");
            return Precision is { } length && length < PythonText.Length(value) ? value[..PythonText.ToIndex(value, length)] : value;
        }

        public string Number(object? value)
        {
            bool isInteger = PythonNumber.TryInteger(value, out BigInteger integer);
            bool isNegative = isInteger ? integer.Sign < 0 : double.IsNegative((double)value!);
            string digits = Kind switch
            {
                '\0' or 'd' or 'n' when isInteger => Group(NumberFormat.Digits(BigInteger.Abs(integer), 10)),
                'x' or 'X' or 'o' or 'b' when isInteger => Radix(BigInteger.Abs(integer)),
                'f' or 'F' or 'e' or 'E' or 'g' or 'G' => Group(
                    NumberFormat.Real(Math.Abs(PythonNumber.ToDouble(value)), Kind, Precision ?? 6, Alternate)
                ),
                '%' => Group(NumberFormat.Real(Math.Abs(PythonNumber.ToDouble(value)) * 100, 'f', Precision ?? 6, Alternate)) + "%",
                '\0' when Precision is null => Group(PythonNumber.Represent(Math.Abs((double)value!))),
                _ => throw new JinjaException($"a {Python.TypeName(value)} takes no format '{Kind}'"),
            };
            return (
                    isNegative ? "-"
                    : Sign == '-' ? ""
                    : Sign.ToString()
                ) + digits;
        }

        private string Radix(BigInteger value)
        {
            int radix = Kind switch
            {
                'o' => 8,
                'b' => 2,
                _ => 16,
            };
            string text = (Alternate ? "0" + char.ToLowerInvariant(Kind) : "") + NumberFormat.Digits(value, radix);
            return Kind == 'X' ? text.ToUpperInvariant() : text;
        }

        private string Group(string digits)
        {
            if (Grouping == '\0')
                return digits;
            int end = digits.AsSpan().IndexOfAnyExceptInRange('0', '9');
            end = end < 0 ? digits.Length : end;
            var grouped = new StringBuilder(digits);
            for (int at = end - 3; at > 0; at -= 3)
                grouped.Insert(at, Grouping);
            return grouped.ToString();
        }

        public string Pad(string text, bool isNumber)
        {
            int missing = Width - PythonText.Length(text);
            if (missing <= 0)
                return text;
            char align =
                Align != '\0' ? Align
                : isNumber ? '>'
                : '<';
            int sign = align == '=' && text is ['-' or '+' or ' ', ..] ? 1 : 0;
            int before = align switch
            {
                '<' => 0,
                '^' => missing / 2,
                _ => missing,
            };
            return text[..sign] + PythonOperators.Repeat(Fill, before) + text[sign..] + PythonOperators.Repeat(Fill, missing - before);
        }
    }
}
