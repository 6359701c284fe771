using System.Numerics;

namespace Streaming.Jinja.Values;

// None is null; True and False are bool; int is BigInteger; float is double; str is string; list is List<object?>.

/// <summary>Python's <c>tuple</c>.</summary>
internal sealed class PyTuple(IReadOnlyList<object?> items)
{
    public IReadOnlyList<object?> Items { get; } = items;
}

/// <summary>Python's <c>dict</c>: keeps the order in which keys were added.</summary>
internal sealed class PyDict
{
    private static readonly object None = new(); // .NET's dictionaries take no null

    private readonly OrderedDictionary<object, object?> _items = new(KeyComparer.Instance);

    public int Count => _items.Count;

    public IEnumerable<object?> Keys => _items.Keys.Select(k => ReferenceEquals(k, None) ? null : k);

    public IEnumerable<object?> Values => _items.Values;

    public IEnumerable<(object? Key, object? Value)> Items => _items.Select(p => (ReferenceEquals(p.Key, None) ? null : p.Key, p.Value));

    public object? this[object? key]
    {
        set => _items[Hashable(key)] = value;
    }

    public bool TryGet(object? key, out object? value) => _items.TryGetValue(Hashable(key), out value);

    public bool Contains(object? key) => _items.ContainsKey(Hashable(key));

    private static object Hashable(object? key) =>
        key switch
        {
            null => None,
            List<object?> or PyDict => throw new JinjaException($"a {Python.TypeName(key)} cannot be a key of a dictionary"),
            _ => key,
        };

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        bool IEqualityComparer<object>.Equals(object? x, object? y) => ReferenceEquals(x, y) || Python.AreEqual(x, y);

        public int GetHashCode(object key) =>
            key switch
            {
                bool or BigInteger or double => PythonNumber.ToDouble(key).GetHashCode(),
                string text => text.GetHashCode(StringComparison.Ordinal),
                Markup markup => markup.Text.GetHashCode(StringComparison.Ordinal),
                PyTuple tuple => tuple.Items.Aggregate(17, (hash, item) => HashCode.Combine(hash, item is null ? 0 : GetHashCode(item))),
                _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(key),
            };
    }
}

/// <summary>What a name, attribute or item that does not exist evaluates to: empty, false, and an error when it is used.</summary>
/// <param name="What">What does not exist, for messages.</param>
internal sealed record Undefined(string What)
{
    public JinjaException Error() => new($"{What} is undefined");
}

/// <summary>A string that is marked as safe (<c>safe</c>, <c>escape</c>): added to a plain one, it escapes that one.</summary>
internal sealed record Markup(string Text)
{
    /// <summary>Escapes what HTML would read as markup; a marked string stays.</summary>
    public static Markup Escape(object? value) =>
        value as Markup
        ?? new Markup(
            Python
                .ToText(value)
                .Replace("&", "&amp;", StringComparison.Ordinal)
                .Replace(">", "&gt;", StringComparison.Ordinal)
                .Replace("<", "&lt;", StringComparison.Ordinal)
                .Replace("'", "&#39;", StringComparison.Ordinal)
                .Replace("\"", "&#34;", StringComparison.Ordinal)
        );
}

/// <summary>Python's <c>range</c>.</summary>
internal sealed class PyRange(int start, int stop, int step)
{
    public int Start { get; } = start;

    public int Stop { get; } = stop;

    public int Step { get; } = step;

    public int Count { get; } =
        (int)Math.Max(0, step > 0 ? ((long)stop - start + step - 1) / step : ((long)start - stop - step - 1) / -step);

    public IEnumerable<object?> Items => Enumerable.Range(0, Count).Select(i => (object?)(BigInteger)(Start + i * Step));
}

/// <summary>A view of a dictionary: <c>keys()</c>, <c>values()</c> or <c>items()</c>.</summary>
internal sealed class PyView(string type, PyDict dict, Func<IEnumerable<object?>> items)
{
    public string Type { get; } = type;

    public int Count => dict.Count;

    public IEnumerable<object?> Items => items();
}

/// <summary>A generator, as the filters <c>map</c> and <c>select</c> return it: it is read once, has no length, and is true.</summary>
internal sealed class PyGenerator(IEnumerable<object?> items)
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();

    /// <summary>What was not read yet.</summary>
    public IEnumerable<object?> Rest()
    {
        while (_items.MoveNext())
            yield return _items.Current;
    }
}

/// <summary>What <c>namespace()</c> makes: the only object whose attributes a template may set.</summary>
internal sealed class PyNamespace
{
    public Dictionary<string, object?> Attributes { get; } = [];
}

/// <summary>A function, method or macro.</summary>
/// <param name="name">Its name, for messages.</param>
/// <param name="call">What it does.</param>
internal sealed class PyFunction(string name, Func<Arguments, object?> call)
{
    public string Name { get; } = name;

    public object? Call(Arguments arguments) => call(arguments);
}

/// <summary>An object of the language itself, such as <c>loop</c>, with attributes, and perhaps callable.</summary>
internal interface IPyObject
{
    /// <summary>Its type, for messages.</summary>
    string TypeName { get; }

    /// <summary>An attribute; false when there is none.</summary>
    bool TryGetAttribute(string name, out object? value);

    /// <summary>Calls it.</summary>
    /// <exception cref="JinjaException">It cannot be called.</exception>
    object? Call(Arguments arguments) => throw new JinjaException($"a {TypeName} cannot be called");
}
