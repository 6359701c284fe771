using System.Globalization;
using System.Numerics;

namespace Streaming.Jinja.Values;

/// <summary>Python's <c>int</c> (of any size) and <c>float</c>; <c>bool</c> counts as an int.</summary>
internal static class PythonNumber
{
    private const int MostBits = 1 << 16;

    /// <summary>Whether a value is a number.</summary>
    public static bool IsNumber(object? value) => value is bool or BigInteger or double;

    /// <summary>Whether a value is an int, <c>bool</c> included.</summary>
    public static bool TryInteger(object? value, out BigInteger integer)
    {
        (bool known, integer) = value switch
        {
            bool b => (true, b ? BigInteger.One : BigInteger.Zero),
            BigInteger i => (true, i),
            _ => (false, default),
        };
        return known;
    }

    /// <summary>A number as a float.</summary>
    public static double ToDouble(object? value) =>
        value is double d ? d
        : TryInteger(value, out BigInteger i) ? (double)i
        : double.NaN;

    /// <summary>An int that indexes or counts.</summary>
    /// <exception cref="JinjaException">It is no int, or too large for that.</exception>
    public static int ToInt32(object? value, string what)
    {
        if (!TryInteger(value, out BigInteger integer))
            throw new JinjaException($"{what} must be an int and is a {Python.TypeName(value)}");
        return integer >= int.MinValue && integer <= int.MaxValue ? (int)integer : throw new JinjaException($"{what} is too large");
    }

    /// <summary>Order of two numbers; null for a NaN.</summary>
    public static int? Compare(object? left, object? right)
    {
        if (TryInteger(left, out BigInteger a) && TryInteger(right, out BigInteger b))
            return a.CompareTo(b);
        double x = ToDouble(left),
            y = ToDouble(right);
        if (double.IsNaN(x) || double.IsNaN(y))
            return null;
        // An int and a float are compared exactly, not as two floats.
        if (left is not double && double.IsFinite(y))
            return CompareExactly(a: ToInteger(left), y);
        if (right is not double && double.IsFinite(x))
            return -CompareExactly(ToInteger(right), x);
        return x.CompareTo(y);
    }

    /// <summary>Arithmetic on two numbers.</summary>
    /// <exception cref="JinjaException">It divides by zero or the result is too large.</exception>
    public static object Calculate(string symbol, object? left, object? right)
    {
        if (TryInteger(left, out BigInteger a) && TryInteger(right, out BigInteger b))
        {
            switch (symbol)
            {
                case "+":
                    return a + b;
                case "-":
                    return a - b;
                case "*":
                    return Bounded(a.GetBitLength() + b.GetBitLength(), () => a * b);
                case "//":
                    return FloorDivide(a, NonZero(b));
                case "%":
                    return a - FloorDivide(a, NonZero(b)) * b;
                case "**" when b >= 0:
                    return b <= MostBits ? Bounded(a.GetBitLength() * (long)b, () => BigInteger.Pow(a, (int)b))
                        : a.IsZero || a.IsOne ? a
                        : throw TooLarge();
                case "/":
                    return (double)a / (double)NonZero(b);
                default:
                    break;
            }
        }
        double x = ToDouble(left),
            y = ToDouble(right);
        return symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / NonZero(y),
            "//" => Math.Floor(x / NonZero(y)),
            "%" => Remainder(x, NonZero(y)),
            _ => Power(x, y),
        };
    }

    /// <summary><c>repr</c> of a float: the shortest digits that read back the same, with an exponent at 1e16 and below 1e-4.</summary>
    public static string Represent(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        (string digits, int exponent) = Decompose(value.ToString("R", CultureInfo.InvariantCulture));
        string sign = double.IsNegative(value) ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        string whole = digits.Length <= exponent + 1 ? digits.PadRight(exponent + 1, '0') : digits[..(exponent + 1)];
        string rest = digits.Length <= exponent + 1 ? "0" : digits[(exponent + 1)..];
        return $"{sign}{whole}.{rest}";
    }

    /// <summary><c>round(value, digits)</c> and <c>%.Nf</c>: the exact binary value, ties to even.</summary>
    public static string ToFixed(double value, int digits)
    {
        if (!double.IsFinite(value))
            return Represent(value);
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        BigInteger numerator = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0L : 1L << 52);
        int power = Math.Max(exponent, 1) - 1075;
        BigInteger denominator = power < 0 ? BigInteger.One << -power : BigInteger.One;
        numerator = (power > 0 ? numerator << power : numerator) * BigInteger.Pow(10, Math.Max(digits, 0));
        denominator *= BigInteger.Pow(10, Math.Max(-digits, 0));
        var quotient = BigInteger.DivRem(numerator, denominator, out BigInteger remainder);
        int half = (remainder * 2).CompareTo(denominator);
        if (half > 0 || (half == 0 && !quotient.IsEven))
            quotient++;
        quotient *= BigInteger.Pow(10, Math.Max(-digits, 0));
        string text = quotient.ToString(CultureInfo.InvariantCulture).PadLeft(Math.Max(digits, 0) + 1, '0');
        string sign = bits < 0 ? "-" : "";
        return digits > 0 ? $"{sign}{text[..^digits]}.{text[^digits..]}" : sign + text;
    }

    /// <summary><c>int(text)</c> and <c>float(text)</c>: white space around, underscores between digits.</summary>
    public static bool TryParse(string text, bool asFloat, out object? value, int radix = 10)
    {
        value = null;
        string digits = PythonText.Trim(text);
        for (int i = 0; i < digits.Length; i++)
        {
            if (
                digits[i] == '_'
                && (i == 0 || i == digits.Length - 1 || !char.IsAsciiHexDigit(digits[i - 1]) || !char.IsAsciiHexDigit(digits[i + 1]))
            )
                return false;
        }
        digits = digits.Replace("_", "", StringComparison.Ordinal);
        return asFloat ? TryFloat(digits, out value) : TryInteger(digits, radix, out value);
    }

    private static bool TryFloat(string digits, out object? value)
    {
        value = digits.ToLowerInvariant() switch
        {
            "nan" or "+nan" or "-nan" => double.NaN,
            "inf" or "+inf" or "infinity" or "+infinity" => double.PositiveInfinity,
            "-inf" or "-infinity" => double.NegativeInfinity,
            _ when digits.All(c => char.IsAsciiDigit(c) || c is '+' or '-' or '.' or 'e' or 'E')
                    && double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => number,
            _ => null,
        };
        return value is not null;
    }

    private static bool TryInteger(string digits, int radix, out object? value)
    {
        value = null;
        bool isNegative = digits.StartsWith('-');
        string rest = digits is ['+' or '-', ..] ? digits[1..] : digits;
        string prefix = radix switch
        {
            16 => "0x",
            8 => "0o",
            2 => "0b",
            _ => "",
        };
        if (prefix.Length > 0 && rest.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            rest = rest[2..];
        if (rest.Length is 0 or > 4300) // Python's own limit
            return false;
        BigInteger number = BigInteger.Zero;
        foreach (char c in rest)
        {
            int digit =
                char.IsAsciiDigit(c) ? c - '0'
                : char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) - 'a' + 10
                : radix;
            if (digit >= radix)
                return false;
            number = number * radix + digit;
        }
        value = isNegative ? -number : number;
        return true;
    }

    /// <summary>The significant digits, and the exponent of the first.</summary>
    public static (string Digits, int Exponent) Decompose(string number)
    {
        int e = number.IndexOf('E', StringComparison.Ordinal);
        int exponent = e < 0 ? 0 : int.Parse(number[(e + 1)..], CultureInfo.InvariantCulture);
        string mantissa = (e < 0 ? number : number[..e]).TrimStart('-');
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int whole = point < 0 ? mantissa.Length : point;
        int zeros = digits.TakeWhile(c => c == '0').Count();
        if (zeros == digits.Length)
            return ("0", 0);
        return (digits[zeros..].TrimEnd('0'), exponent + whole - 1 - zeros);
    }

    private static BigInteger ToInteger(object? value) => TryInteger(value, out BigInteger integer) ? integer : default;

    private static int CompareExactly(BigInteger a, double y)
    {
        double floor = Math.Floor(y);
        int order = a.CompareTo(new BigInteger(floor));
        return order != 0 ? order
            : y > floor ? -1
            : 0;
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out BigInteger remainder);
        return !remainder.IsZero && (remainder.Sign < 0) != (b.Sign < 0) ? quotient - 1 : quotient;
    }

    private static double Remainder(double x, double y)
    {
        double remainder = x % y;
        return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
    }

    private static double Power(double x, double y)
    {
        if (x == 0 && y < 0)
            throw new JinjaException("zero cannot be raised to a negative power");
        return x < 0 && Math.Floor(y) != y
            ? throw new JinjaException("a negative number to a fraction is a complex number")
            : Math.Pow(x, y);
    }

    private static BigInteger NonZero(BigInteger value) => value.IsZero ? throw new JinjaException("division by zero") : value;

    private static double NonZero(double value) => value == 0 ? throw new JinjaException("division by zero") : value;

    private static BigInteger Bounded(long bits, Func<BigInteger> calculate) => bits <= MostBits ? calculate() : throw TooLarge();

    private static JinjaException TooLarge() => new("a number is too large");
}
