using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Streaming.Jinja.Values;

/// <summary>Python's meaning of values: truth, text, equality, order, iteration.</summary>
internal static class Python
{
    /// <summary><c>type(value).__name__</c>.</summary>
    public static string TypeName(object? value) =>
        value switch
        {
            null => "NoneType",
            bool => "bool",
            BigInteger => "int",
            double => "float",
            string => "str",
            Markup => "Markup",
            List<object?> => "list",
            PyTuple => "tuple",
            PyDict => "dict",
            PyRange => "range",
            PyView view => view.Type,
            PyGenerator => "generator",
            PyNamespace => "Namespace",
            PyFunction => "function",
            Undefined => "Undefined",
            IPyObject other => other.TypeName,
            _ => value.GetType().Name,
        };

    /// <summary><c>bool(value)</c>.</summary>
    public static bool IsTrue(object? value) =>
        value switch
        {
            null or Undefined => false,
            bool b => b,
            BigInteger i => !i.IsZero,
            double d => d != 0,
            _ => TryLength(value, out int length) ? length > 0 : true,
        };

    /// <summary><c>len(value)</c>, where there is one.</summary>
    public static bool TryLength(object? value, out int length)
    {
        (bool known, length) = value switch
        {
            string text => (true, PythonText.Length(text)),
            Markup markup => (true, PythonText.Length(markup.Text)),
            List<object?> list => (true, list.Count),
            PyTuple tuple => (true, tuple.Items.Count),
            PyDict dict => (true, dict.Count),
            PyRange range => (true, range.Count),
            PyView view => (true, view.Count),
            Undefined => (true, 0),
            _ => (false, 0),
        };
        return known;
    }

    /// <summary><c>iter(value)</c>, where that is possible.</summary>
    public static bool TryIterate(object? value, [NotNullWhen(true)] out IEnumerable<object?>? items)
    {
        items = value switch
        {
            string text => PythonText.CodePoints(text),
            Markup markup => PythonText.CodePoints(markup.Text).Select(c => new Markup(c)),
            List<object?> list => list,
            PyTuple tuple => tuple.Items,
            PyDict dict => dict.Keys,
            PyRange range => range.Items,
            PyView view => view.Items,
            PyGenerator generator => generator.Rest(),
            Group group => group.Items,
            Undefined => [],
            _ => null,
        };
        return items is not null;
    }

    /// <summary><c>iter(value)</c>.</summary>
    /// <exception cref="JinjaException">It cannot be iterated over.</exception>
    public static IEnumerable<object?> Iterate(object? value) =>
        TryIterate(value, out IEnumerable<object?>? items)
            ? items
            : throw new JinjaException($"a {TypeName(value)} cannot be iterated over");

    /// <summary><c>str(value)</c>.</summary>
    /// <exception cref="JinjaException">Its text in Python contains an address in memory.</exception>
    public static string ToText(object? value) =>
        value switch
        {
            string text => text,
            Markup markup => markup.Text,
            Undefined => "",
            _ => Represent(value),
        };

    /// <summary><c>repr(value)</c>.</summary>
    /// <exception cref="JinjaException">Its text in Python contains an address in memory.</exception>
    public static string Represent(object? value) =>
        value switch
        {
            null => "None",
            bool b => b ? "True" : "False",
            BigInteger i => i.ToString(CultureInfo.InvariantCulture),
            double d => PythonNumber.Represent(d),
            string text => PythonText.Quote(text),
            Markup markup => $"Markup({PythonText.Quote(markup.Text)})",
            Undefined => "Undefined",
            List<object?> list => $"[{Join(list)}]",
            PyTuple { Items.Count: 1 } tuple => $"({Represent(tuple.Items[0])},)",
            PyTuple tuple => $"({Join(tuple.Items)})",
            PyDict dict => $"{{{string.Join(", ", dict.Items.Select(p => $"{Represent(p.Key)}: {Represent(p.Value)}"))}}}",
            PyRange { Step: 1 } range => $"range({range.Start}, {range.Stop})",
            PyRange range => $"range({range.Start}, {range.Stop}, {range.Step})",
            PyView view => $"{view.Type}([{Join(view.Items)}])",
            PyNamespace => throw NoText(value),
            _ => throw NoText(value),
        };

    /// <summary><c>left == right</c>.</summary>
    public static bool AreEqual(object? left, object? right)
    {
        if (PythonNumber.IsNumber(left) && PythonNumber.IsNumber(right))
            return PythonNumber.Compare(left, right) == 0;
        return (left, right) switch
        {
            (null, null) => true,
            (Undefined, Undefined) => true,
            (string or Markup, string or Markup) => ToText(left) == ToText(right),
            (List<object?> a, List<object?> b) => AreEqual(a, b),
            (PyTuple a, PyTuple b) => AreEqual(a.Items, b.Items),
            (PyDict a, PyDict b) => a.Count == b.Count && a.Items.All(p => b.TryGet(p.Key, out object? other) && AreEqual(p.Value, other)),
            (PyRange a, PyRange b) => AreEqual([.. a.Items], [.. b.Items]),
            _ => ReferenceEquals(left, right),
        };
    }

    /// <summary>-1, 0 or 1 as <c>&lt;</c> and <c>&gt;</c> order them; null for a NaN.</summary>
    /// <exception cref="JinjaException">Python does not order them.</exception>
    public static int? Compare(object? left, object? right)
    {
        if (PythonNumber.IsNumber(left) && PythonNumber.IsNumber(right))
            return PythonNumber.Compare(left, right);
        return (left, right) switch
        {
            (Undefined missing, _) => throw missing.Error(),
            (_, Undefined missing) => throw missing.Error(),
            (string or Markup, string or Markup) => Math.Sign(PythonText.Compare(ToText(left), ToText(right))),
            (List<object?> a, List<object?> b) => Compare(a, b),
            (PyTuple a, PyTuple b) => Compare(a.Items, b.Items),
            _ => throw new JinjaException($"a {TypeName(left)} and a {TypeName(right)} cannot be ordered"),
        };
    }

    /// <summary><c>item in container</c>.</summary>
    /// <exception cref="JinjaException">It is no container, or of a string another type is asked for.</exception>
    public static bool Contains(object? container, object? item) =>
        container switch
        {
            string or Markup => item is string or Markup
                ? ToText(container).Contains(ToText(item), StringComparison.Ordinal)
                : throw new JinjaException($"a {TypeName(item)} cannot be looked for in a str"),
            PyDict dict => dict.Contains(item),
            _ => Iterate(container).Any(i => AreEqual(i, item)),
        };

    private static bool AreEqual(IReadOnlyList<object?> left, IReadOnlyList<object?> right) =>
        left.Count == right.Count && left.Zip(right).All(p => AreEqual(p.First, p.Second));

    private static int? Compare(IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            if (!AreEqual(left[i], right[i]))
                return Compare(left[i], right[i]);
        }
        return left.Count.CompareTo(right.Count);
    }

    private static string Join(IEnumerable<object?> items)
    {
        var text = new StringBuilder();
        foreach (object? item in items)
            text.Append(text.Length > 0 ? ", " : "").Append(Represent(item));
        return text.ToString();
    }

    private static JinjaException NoText(object? value) =>
        new($"a {TypeName(value)} has no text: Python would print its address in memory");
}
