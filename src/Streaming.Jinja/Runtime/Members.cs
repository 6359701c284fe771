using System.Numerics;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Attributes and items of values, as Jinja2's immutable sandbox gives them out.</summary>
internal static class Members
{
    /// <summary>Attributes that Python's numbers have and templates do not ask for: refused rather than called undefined.</summary>
    private static readonly HashSet<string> NumberAttributes =
    [
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "denominator",
        "from_bytes",
        "fromhex",
        "hex",
        "imag",
        "is_integer",
        "numerator",
        "real",
        "to_bytes",
    ];

    /// <summary><c>value.name</c>: the attribute, else the item, else undefined.</summary>
    public static object? GetAttribute(object? value, string name)
    {
        if (value is Undefined missing)
            throw missing.Error();
        return TryAttribute(value, name, out object? attribute) || TryItem(value, name, out attribute) ? attribute : Missing(value, name);
    }

    /// <summary><c>value[key]</c>: the item, else the attribute of that name, else undefined.</summary>
    public static object? GetItem(object? value, object? key)
    {
        if (value is Undefined missing)
            throw missing.Error();
        if (TryItem(value, key, out object? item))
            return item;
        return key is string name && TryAttribute(value, name, out object? attribute) ? attribute : Missing(value, key);
    }

    /// <summary>The attribute alone, as the filter <c>attr</c> reads it.</summary>
    public static bool TryAttribute(object? value, string name, out object? attribute)
    {
        attribute = value switch
        {
            string text => StringMethods.Find(text, name),
            Markup when StringMethods.Find("", name) is not null => throw new JinjaException(
                $"the method '{name}' of a Markup is not supported"
            ),
            PyDict dict => DictMethod(dict, name),
            List<object?> list => ListMethod(list, name),
            PyTuple tuple => SequenceMethod(tuple.Items, name),
            bool or BigInteger or double when NumberAttributes.Contains(name) => throw new JinjaException(
                $"the attribute '{name}' of a {Python.TypeName(value)} is not supported"
            ),
            _ => null,
        };
        if (value is PyNamespace space)
            return space.Attributes.TryGetValue(name, out attribute);
        return attribute is not null || (value is IPyObject other && other.TryGetAttribute(name, out attribute));
    }

    private static bool TryItem(object? value, object? key, out object? item)
    {
        item = null;
        return value is PyDict dict
            ? key is not (List<object?> or PyDict) && dict.TryGet(key, out item)
            : PythonOperators.TryIndex(value, key, out item);
    }

    private static Undefined Missing(object? value, object? key) =>
        new(key is string name ? $"'{name}' of a {Python.TypeName(value)}" : $"item {Python.ToText(key)} of a {Python.TypeName(value)}");

    private static PyFunction? DictMethod(PyDict dict, string name) =>
        name switch
        {
            "get" => new(
                "get",
                a => a.Bind(1, "key", "default") is var b && dict.TryGet(b.Get("key"), out object? value) ? value : b.Get("default")
            ),
            "keys" => new("keys", a => View(a, "dict_keys", dict, () => dict.Keys)),
            "values" => new("values", a => View(a, "dict_values", dict, () => dict.Values)),
            "items" => new("items", a => View(a, "dict_items", dict, () => dict.Items.Select(i => (object?)new PyTuple([i.Key, i.Value])))),
            "copy" => new(
                "copy",
                a =>
                {
                    a.BindNone();
                    return Globals.Copy(dict);
                }
            ),
            "fromkeys" => throw new JinjaException("the method 'fromkeys' of a dict is not supported"),
            _ => Mutator(name, "dict", "clear", "pop", "popitem", "setdefault", "update"),
        };

    private static PyView View(Arguments arguments, string type, PyDict dict, Func<IEnumerable<object?>> items)
    {
        arguments.BindNone();
        return new PyView(type, dict, items);
    }

    private static PyFunction? ListMethod(List<object?> list, string name) =>
        name switch
        {
            "copy" => new("copy", a => Copy(list, a)),
            "pop" => new("pop", a => Pop(list, a)),
            "clear" => new("clear", a => Clear(list, a)),
            _ => SequenceMethod(list, name) ?? Mutator(name, "list", "append", "extend", "insert", "remove", "reverse", "sort"),
        };

    private static List<object?> Copy(List<object?> list, Arguments arguments)
    {
        arguments.BindNone();
        return [.. list];
    }

    // Jinja2 3.1's sandbox lets a template take items out of a list, though not put any in.
    private static object? Pop(List<object?> list, Arguments arguments)
    {
        int at = arguments.Bind(0, "index").Integer("index", -1);
        at = at < 0 ? at + list.Count : at;
        if (at < 0 || at >= list.Count)
            throw new JinjaException("pop() of an item that is not in the list");
        object? item = list[at];
        list.RemoveAt(at);
        return item;
    }

    private static object? Clear(List<object?> list, Arguments arguments)
    {
        arguments.BindNone();
        list.Clear();
        return null;
    }

    private static PyFunction? SequenceMethod(IReadOnlyList<object?> items, string name) =>
        name switch
        {
            "count" => new("count", a => (BigInteger)items.Count(i => Python.AreEqual(i, a.Bind(1, "value").Get("value")))),
            "index" => new("index", a => IndexOf(items, a.Bind(1, "value").Get("value"))),
            _ => null,
        };

    private static BigInteger IndexOf(IReadOnlyList<object?> items, object? value)
    {
        for (int i = 0; i < items.Count; i++)
        {
            if (Python.AreEqual(items[i], value))
                return i;
        }
        throw new JinjaException("index() did not find the value");
    }

    /// <summary>Methods that change a value: the sandbox gives them out as undefined, and calling them is an error.</summary>
    private static PyFunction? Mutator(string name, string type, params string[] known) =>
        known.Contains(name)
            ? new(name, _ => throw new JinjaException($"the method '{name}' would change a {type}, which a template may not"))
            : null;
}
