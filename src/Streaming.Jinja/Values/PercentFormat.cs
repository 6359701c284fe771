using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Python's <c>format % values</c>.</summary>
internal static class PercentFormat
{
    /// <summary>Formats; a tuple gives several values, a dict those of <c>%(name)s</c>, anything else one.</summary>
    /// <exception cref="JinjaException">The format is cut short or unknown, or values and places do not match.</exception>
    public static string Format(string format, object? values)
    {
        var text = new StringBuilder();
        var queue = new Queue<object?>(values is PyTuple tuple ? tuple.Items : [values]);
        bool usesNames = false;
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }
            Cursor cursor = new(format, i + 1);
            object? named = null;
            bool isNamed = cursor.Current == '(';
            if (isNamed)
            {
                string name = cursor.ReadName();
                if (values is not PyDict dict || !dict.TryGet(name, out named))
                    throw new JinjaException($"'%({name})' names no value");
                usesNames = true;
            }
            string flags = cursor.ReadWhile("-+ #0");
            int width = cursor.Current == '*' ? Star(cursor) : cursor.ReadNumber() ?? 0;
            int? precision = null;
            if (cursor.Current == '.')
            {
                cursor.Skip();
                precision = cursor.Current == '*' ? Star(cursor) : cursor.ReadNumber() ?? 0;
            }
            cursor.ReadWhile("hlL");
            char kind = cursor.Current;
            i = cursor.At;
            if (kind == '%')
            {
                text.Append('%');
                continue;
            }
            object? value = isNamed ? named : Take();
            if (width < 0)
                (width, flags) = (-width, flags + "-");
            text.Append(Pad(Convert(kind, value, flags, precision), kind, flags, width));
        }
        if (queue.Count > 0 && !usesNames && values is not (PyDict or List<object?>))
            throw new JinjaException("'%' was given more values than the format has places");
        return text.ToString();

        object? Take() =>
            queue.TryDequeue(out object? value) ? value : throw new JinjaException("'%' was given fewer values than the format has places");

        int Star(Cursor cursor)
        {
            cursor.Skip();
            return PythonNumber.ToInt32(Take(), "a width of '%'");
        }
    }

    private static string Convert(char kind, object? value, string flags, int? precision)
    {
        switch (kind)
        {
            case 's':
                return Cut(Python.ToText(value), precision);
            case 'r' or 'a':
                return Cut(kind == 'r' ? Python.Represent(value) : throw new JinjaException("'%a' is not supported"), precision);
            case 'c':
                return value is string { Length: > 0 } text && PythonText.Length(text) == 1 ? text
                    : PythonNumber.TryInteger(value, out BigInteger code) && code >= 0 && code <= 0x10FFFF
                        ? char.ConvertFromUtf32((int)code)
                    : throw new JinjaException("'%c' expects one character");
            case 'd' or 'i' or 'u':
                BigInteger whole = value is double number ? new BigInteger(Math.Truncate(number)) : Integer(kind, value);
                return Signed(whole.Sign < 0, BigInteger.Abs(whole).ToString().PadLeft(precision ?? 0, '0'), flags);
            case 'x' or 'X' or 'o':
                BigInteger integer = Integer(kind, value);
                string digits = NumberFormat.Digits(BigInteger.Abs(integer), kind == 'o' ? 8 : 16).PadLeft(precision ?? 0, '0');
                string prefix = flags.Contains('#', StringComparison.Ordinal)
                    ? kind == 'o'
                        ? "0o"
                        : "0x"
                    : "";
                return Signed(integer.Sign < 0, kind == 'X' ? (prefix + digits).ToUpperInvariant() : prefix + digits, flags);
            case 'f' or 'F' or 'e' or 'E' or 'g' or 'G':
                if (!PythonNumber.IsNumber(value))
                    throw new JinjaException($"'%{kind}' expects a number, not a {Python.TypeName(value)}");
                double real = PythonNumber.ToDouble(value);
                return Signed(
                    double.IsNegative(real),
                    NumberFormat.Real(Math.Abs(real), kind, precision ?? 6, flags.Contains('#', StringComparison.Ordinal)),
                    flags
                );
            default:
                throw new JinjaException($"'%{kind}' is not a format");
        }
    }

    private static BigInteger Integer(char kind, object? value) =>
        PythonNumber.TryInteger(value, out BigInteger integer)
            ? integer
            : throw new JinjaException($"'%{kind}' expects an int, not a {Python.TypeName(value)}");

    private static string Cut(string text, int? precision) =>
        precision is { } length && length < PythonText.Length(text) ? text[..PythonText.ToIndex(text, length)] : text;

    private static string Signed(bool isNegative, string digits, string flags) =>
        (
            isNegative ? "-"
            : flags.Contains('+', StringComparison.Ordinal) ? "+"
            : flags.Contains(' ', StringComparison.Ordinal) ? " "
            : ""
        ) + digits;

    private static string Pad(string text, char kind, string flags, int width)
    {
        int missing = width - PythonText.Length(text);
        if (missing <= 0)
            return text;
        if (flags.Contains('-', StringComparison.Ordinal))
            return text + PythonOperators.Repeat(" ", missing);
        bool withZeros = flags.Contains('0', StringComparison.Ordinal) && kind is not ('s' or 'r' or 'c');
        int sign = withZeros && text is ['-' or '+' or ' ', ..] ? 1 : 0;
        return withZeros ? text[..sign] + PythonOperators.Repeat("0", missing) + text[sign..] : PythonOperators.Repeat(" ", missing) + text;
    }

    /// <summary>Reads a format from left to right.</summary>
    private sealed class Cursor(string format, int at)
    {
        public int At { get; private set; } = at;

        public char Current => At < format.Length ? format[At] : throw new JinjaException("a format with '%' is cut short");

        public void Skip() => At++;

        public string ReadWhile(string characters)
        {
            int start = At;
            while (characters.Contains(Current, StringComparison.Ordinal))
                At++;
            return format[start..At];
        }

        public int? ReadNumber() =>
            ReadWhile("0123456789") is { Length: > 0 } digits
                ? int.TryParse(digits, out int number)
                    ? number
                    : throw new JinjaException("a width of '%' is too large")
                : null;

        public string ReadName()
        {
            int end = format.IndexOf(')', At);
            if (end < 0)
                throw new JinjaException("'%(' is not closed by ')'");
            string name = format[(At + 1)..end];
            At = end + 1;
            return name;
        }
    }
}
