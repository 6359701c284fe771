using System.Globalization;
using System.Text;

namespace Streaming.Inference.Chat;

/// <summary>C's <c>strftime</c> in the C locale, for chat templates.</summary>
internal static class StrfTime
{
    /// <summary>Formats a time; unknown directives stay unchanged.</summary>
    public static string Format(DateTimeOffset time, string format)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            bool padded = format[i + 1] != '-' || i + 2 == format.Length; // "%-d": without a leading zero
            i += padded ? 1 : 2;
            string? part = Directive(time, format[i]);
            if (part is null)
                text.Append(padded ? "%" : "%-").Append(format[i]);
            else
                text.Append(
                    padded || part.Length < 2 ? part
                    : part.TrimStart('0') is { Length: > 0 } unpadded ? unpadded
                    : "0"
                );
        }
        return text.ToString();
    }

    private static string? Directive(DateTimeOffset time, char directive)
    {
        string? net = directive switch
        {
            'a' => "ddd",
            'A' => "dddd",
            'b' or 'h' => "MMM",
            'B' => "MMMM",
            'd' => "dd",
            'm' => "MM",
            'y' => "yy",
            'Y' => "yyyy",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            'f' => "ffffff",
            'F' => "yyyy-MM-dd",
            'D' or 'x' => "MM/dd/yy",
            'T' or 'X' => "HH:mm:ss",
            'R' => "HH:mm",
            _ => null,
        };
        if (net is not null)
            return time.ToString(net, CultureInfo.InvariantCulture);
        return directive switch
        {
            '%' => "%",
            'n' => "\n",
            't' => "\t",
            'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'c' => time.ToString("ddd MMM ", CultureInfo.InvariantCulture)
                + time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2)
                + time.ToString(" HH:mm:ss yyyy", CultureInfo.InvariantCulture),
            'z' => time.ToString("zzz", CultureInfo.InvariantCulture).Replace(":", "", StringComparison.Ordinal),
            _ => null,
        };
    }
}
