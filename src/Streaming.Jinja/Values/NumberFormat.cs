using System.Globalization;
using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Numbers in the forms that <c>%</c> and <c>format()</c> name.</summary>
internal static class NumberFormat
{
    /// <summary>Lower-case digits of a number that is not negative.</summary>
    public static string Digits(BigInteger value, int radix)
    {
        if (radix == 10)
            return value.ToString(CultureInfo.InvariantCulture);
        var digits = new StringBuilder();
        do
        {
            value = BigInteger.DivRem(value, radix, out BigInteger digit);
            digits.Insert(0, "0123456789abcdef"[(int)digit]);
        } while (!value.IsZero);
        return digits.ToString();
    }

    /// <summary>A float that is not negative, by <c>f</c>, <c>e</c> or <c>g</c>; upper-case letters make the result so.</summary>
    public static string Real(double value, char kind, int precision, bool keepsZeros)
    {
        if (!double.IsFinite(value))
            return char.IsUpper(kind) ? PythonNumber.Represent(value).ToUpperInvariant() : PythonNumber.Represent(value);
        string text = char.ToLowerInvariant(kind) switch
        {
            'f' => PythonNumber.ToFixed(value, precision),
            'e' => Scientific(value, precision),
            _ => General(value, Math.Max(precision, 1), keepsZeros),
        };
        if (keepsZeros && precision == 0 && !text.Contains('.', StringComparison.Ordinal))
            text = text.Contains('e', StringComparison.Ordinal) ? text.Replace("e", ".e", StringComparison.Ordinal) : text + ".";
        return char.IsUpper(kind) ? text.ToUpperInvariant() : text;
    }

    private static string Scientific(double value, int precision)
    {
        (string digits, int exponent) = Rounded(value, precision + 1);
        return $"{digits[0]}{(precision > 0 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static string General(double value, int precision, bool keepsZeros)
    {
        (string digits, int exponent) = Rounded(value, precision);
        string kept = keepsZeros ? digits : digits.TrimEnd('0').PadRight(1, '0');
        if (exponent < -4 || exponent >= precision)
            return $"{kept[0]}{(kept.Length > 1 ? "." + kept[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        if (exponent < 0)
            return $"0.{new string('0', -exponent - 1)}{kept}";
        kept = kept.PadRight(exponent + 1, '0');
        return kept.Length > exponent + 1 ? $"{kept[..(exponent + 1)]}.{kept[(exponent + 1)..]}" : kept;
    }

    /// <summary>A value's first so many digits, rounded, and the exponent of the first.</summary>
    private static (string Digits, int Exponent) Rounded(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);
        (_, int exponent) = PythonNumber.Decompose(value.ToString("R", CultureInfo.InvariantCulture));
        string digits = PythonNumber.ToFixed(value, count - 1 - exponent).Replace(".", "", StringComparison.Ordinal).TrimStart('0');
        digits = digits.PadRight(count, '0');
        int carried = PythonNumber.ToFixed(value, count - 1 - exponent) is var text && Exponent(text) > exponent ? 1 : 0;
        return (digits[..count], exponent + carried);
    }

    private static int Exponent(string number) => PythonNumber.Decompose(number).Exponent;
}
