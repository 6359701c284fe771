using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Python's operators, beyond those of numbers.</summary>
internal static class PythonOperators
{
    /// <summary>Longest value that an operator makes, items or UTF-16 units.</summary>
    public const int Longest = 64 << 20;

    /// <summary>A binary operator.</summary>
    /// <exception cref="JinjaException">Python has it not for these types, or the result is too long.</exception>
    public static object? Apply(string symbol, object? left, object? right)
    {
        if (PythonNumber.IsNumber(left) && PythonNumber.IsNumber(right))
            return PythonNumber.Calculate(symbol, left, right);
        if ((left as Undefined ?? right as Undefined) is { } missing && !(symbol == "%" && left is string))
            throw missing.Error();
        return (symbol, left, right) switch
        {
            ("+", Markup, string or Markup) or ("+", string, Markup) => new Markup(Markup.Escape(left).Text + Markup.Escape(right).Text),
            ("+", string a, string b) => Bounded(a.Length + (long)b.Length, () => a + b),
            ("+", List<object?> a, List<object?> b) => Bounded(a.Count + (long)b.Count, () => new List<object?>([.. a, .. b])),
            ("+", PyTuple a, PyTuple b) => new PyTuple([.. a.Items, .. b.Items]),
            ("*", string text, _) when PythonNumber.TryInteger(right, out BigInteger n) => Repeat(text, n),
            ("*", _, string text) when PythonNumber.TryInteger(left, out BigInteger n) => Repeat(text, n),
            ("*", List<object?> list, _) when PythonNumber.TryInteger(right, out BigInteger n) => Repeat(list, n),
            ("*", _, List<object?> list) when PythonNumber.TryInteger(left, out BigInteger n) => Repeat(list, n),
            ("*", PyTuple tuple, _) when PythonNumber.TryInteger(right, out BigInteger n) => new PyTuple(Repeat(tuple.Items, n)),
            ("%", string text, _) => PercentFormat.Format(text, right),
            _ => throw new JinjaException(
                $"the operator '{symbol}' is not there for a {Python.TypeName(left)} and a {Python.TypeName(right)}"
            ),
        };
    }

    /// <summary><c>-value</c>, <c>+value</c>.</summary>
    /// <exception cref="JinjaException">It is no number.</exception>
    public static object Sign(string symbol, object? value)
    {
        if (value is Undefined missing)
            throw missing.Error();
        if (PythonNumber.TryInteger(value, out BigInteger integer))
            return symbol == "-" ? -integer : integer;
        return value is double number
            ? symbol == "-"
                ? -number
                : number
            : throw new JinjaException($"the operator '{symbol}' is not there for a {Python.TypeName(value)}");
    }

    /// <summary>A string, several times.</summary>
    public static string Repeat(string text, BigInteger times) =>
        times <= 0 ? "" : Bounded(text.Length * times, () => new StringBuilder().Insert(0, text, (int)times).ToString());

    /// <summary><c>value[key]</c> for strings, lists, tuples and ranges; false when there is no such item, or it is another type.</summary>
    public static bool TryIndex(object? value, object? key, out object? item)
    {
        item = null;
        if (value is string text && !PythonText.IsFlat(text))
            value = new PyTuple([.. PythonText.CodePoints(text)]);
        if (!PythonNumber.TryInteger(key, out BigInteger index) || value is PyDict or PyView || !Python.TryLength(value, out int length))
            return false;
        if (index < 0)
            index += length;
        if (index < 0 || index >= length)
            return false;
        int at = (int)index;
        item = value switch
        {
            string flat => flat[at].ToString(),
            List<object?> list => list[at],
            PyTuple tuple => tuple.Items[at],
            PyRange range => (BigInteger)(range.Start + at * range.Step),
            _ => null,
        };
        return value is not (Undefined or Markup);
    }

    /// <summary><c>value[start:stop:step]</c>; false when the value has no slices.</summary>
    /// <exception cref="JinjaException">A bound is no int, or the step is 0.</exception>
    public static bool TrySlice(object? value, object? start, object? stop, object? step, out object? result)
    {
        result = null;
        switch (value)
        {
            case string text when PythonText.IsFlat(text):
                result = string.Concat(Places(text.Length, start, stop, step).Select(i => text[i]));
                return true;
            case string text:
                string[] points = [.. PythonText.CodePoints(text)];
                result = string.Concat(Places(points.Length, start, stop, step).Select(i => points[i]));
                return true;
            case List<object?> list:
                result = Places(list.Count, start, stop, step).Select(i => list[i]).ToList();
                return true;
            case PyTuple tuple:
                result = new PyTuple([.. Places(tuple.Items.Count, start, stop, step).Select(i => tuple.Items[i])]);
                return true;
            case PyRange:
                throw new JinjaException("a slice of a range is not supported: make a list of it first");
            default:
                return false;
        }
    }

    /// <summary>The places that a slice takes, as CPython's <c>PySlice_AdjustIndices</c> counts them.</summary>
    private static IEnumerable<int> Places(int length, object? start, object? stop, object? step)
    {
        BigInteger by = Bound(step) ?? 1;
        if (by.IsZero)
            throw new JinjaException("the step of a slice is 0");
        bool isForward = by > 0;
        BigInteger lowest = isForward ? 0 : -1,
            highest = isForward ? length : length - 1;
        BigInteger from = Clamp(Bound(start) ?? (isForward ? 0 : BigInteger.MinusOne + length), Bound(start) is null),
            to = Clamp(Bound(stop) ?? (isForward ? length : -1), Bound(stop) is null);
        return Walk();

        BigInteger Clamp(BigInteger bound, bool isDefault) =>
            BigInteger.Clamp(bound < 0 && !isDefault ? bound + length : bound, lowest, BigInteger.Max(lowest, highest));

        IEnumerable<int> Walk()
        {
            for (BigInteger at = from; isForward ? at < to : at > to; at += by)
                yield return (int)at;
        }
    }

    private static BigInteger? Bound(object? value) =>
        value is null ? null
        : PythonNumber.TryInteger(value, out BigInteger integer) ? integer
        : throw new JinjaException($"a bound of a slice must be an int and is a {Python.TypeName(value)}");

    private static List<object?> Repeat(IReadOnlyList<object?> items, BigInteger times) =>
        times <= 0 ? [] : Bounded(items.Count * times, () => Enumerable.Repeat(items, (int)times).SelectMany(i => i).ToList());

    private static T Bounded<T>(BigInteger length, Func<T> make) =>
        length <= Longest ? make() : throw new JinjaException($"a value is longer than {Longest} characters or items");
}
