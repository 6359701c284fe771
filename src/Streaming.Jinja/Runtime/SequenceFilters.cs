using System.Numerics;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Filters of sequences.</summary>
internal static class SequenceFilters
{
    public static IEnumerable<(string Name, Filters.Function Function)> All { get; } =
    [
        ("batch", (_, v, a) => Batch(v, a)),
        ("count", (_, v, a) => Length(v, a)),
        ("dictsort", (_, v, a) => DictSort(v, a)),
        ("first", (_, v, a) => First(v, a)),
        ("groupby", (_, v, a) => GroupBy(v, a)),
        ("items", (_, v, a) => Items(v, a)),
        ("join", (_, v, a) => Join(v, a)),
        ("last", (_, v, a) => Last(v, a)),
        ("length", (_, v, a) => Length(v, a)),
        ("list", (i, v, a) => NoArguments(a, i.Counted(Python.Iterate(v)).ToList())),
        ("map", Map),
        ("max", (_, v, a) => Extreme(v, a, wanted: 1)),
        ("min", (_, v, a) => Extreme(v, a, wanted: -1)),
        ("reject", (i, v, a) => Select(i, v, a, wanted: false, byAttribute: false)),
        ("rejectattr", (i, v, a) => Select(i, v, a, wanted: false, byAttribute: true)),
        ("reverse", (_, v, a) => Reverse(v, a)),
        ("select", (i, v, a) => Select(i, v, a, wanted: true, byAttribute: false)),
        ("selectattr", (i, v, a) => Select(i, v, a, wanted: true, byAttribute: true)),
        ("slice", (_, v, a) => Slice(v, a)),
        ("sort", (_, v, a) => Sort(v, a)),
        ("sum", (_, v, a) => Sum(v, a)),
        ("unique", (_, v, a) => Unique(v, a)),
    ];

    private static object? NoArguments(Arguments arguments, object? result)
    {
        arguments.BindNone();
        return result;
    }

    private static BigInteger Length(object? value, Arguments arguments)
    {
        arguments.BindNone();
        return Python.TryLength(value, out int length) ? length : throw new JinjaException($"a {Python.TypeName(value)} has no length");
    }

    private static object? First(object? value, Arguments arguments)
    {
        arguments.BindNone();
        foreach (object? item in Python.Iterate(value))
            return item;
        return new Undefined("the first item of an empty sequence");
    }

    private static object? Last(object? value, Arguments arguments)
    {
        arguments.BindNone();
        if (value is PyGenerator)
            throw new JinjaException("a generator cannot be read from its end: make a list of it first");
        return Python.Iterate(value).LastOrDefault(new Undefined("the last item of an empty sequence"));
    }

    private static object Reverse(object? value, Arguments arguments)
    {
        arguments.BindNone();
        if (value is string text)
            return string.Concat(PythonText.CodePoints(text).Reverse());
        if (value is PyGenerator or Markup)
            return value is Markup
                ? throw new JinjaException("'reverse' of a value marked as safe is not supported")
                : Python.Iterate(value).Reverse().ToList();
        return new PyGenerator(Python.Iterate(value).Reverse());
    }

    private static PyGenerator Items(object? value, Arguments arguments)
    {
        arguments.BindNone();
        return value switch
        {
            Undefined => new PyGenerator([]),
            PyDict dict => new PyGenerator(dict.Items.Select(i => (object?)new PyTuple([i.Key, i.Value]))),
            _ => throw new JinjaException($"'items' expects a dict, not a {Python.TypeName(value)}"),
        };
    }

    private static string Join(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "d", "attribute");
        IEnumerable<object?> items = Python.Iterate(value);
        if (bound.Has("attribute"))
            items = items.Select(Getter(bound.Get("attribute")));
        string text = string.Join(Python.ToText(bound.Get("d", "")), items.Select(Python.ToText));
        return text.Length <= PythonOperators.Longest ? text : throw new JinjaException("a value is too long");
    }

    private static PyGenerator Map(Interpreter interpreter, object? value, Arguments arguments)
    {
        if (arguments.Positional.Count == 0 && arguments.Named.Any(n => n.Name == "attribute"))
        {
            BoundArguments bound = arguments.Bind(0, "attribute", "default");
            Func<object?, object?> get = Getter(bound.Get("attribute"), bound.Get("default"));
            return Lazy(interpreter, value, items => items.Select(get));
        }
        string name = NameArgument(arguments, 0, "a filter");
        Filters.Function filter = Filters.Get(name);
        var rest = new Arguments(name, [.. arguments.Positional.Skip(1)], arguments.Named);
        return Lazy(interpreter, value, items => items.Select(item => filter(interpreter, item, rest)));
    }

    private static PyGenerator Select(Interpreter interpreter, object? value, Arguments arguments, bool wanted, bool byAttribute)
    {
        Func<object?, object?> get = byAttribute
            ? Getter(
                arguments.Positional.Count > 0
                    ? arguments.Positional[0]
                    : throw new JinjaException($"'{arguments.Function}' misses its attribute")
            )
            : item => item;
        int skipped = byAttribute ? 1 : 0;
        if (arguments.Positional.Count == skipped)
            return Lazy(interpreter, value, items => items.Where(item => Python.IsTrue(get(item)) == wanted));
        string name = NameArgument(arguments, skipped, "a test");
        Tests.Function test = Tests.Get(name);
        var rest = new Arguments(name, [.. arguments.Positional.Skip(skipped + 1)], arguments.Named);
        return Lazy(interpreter, value, items => items.Where(item => test(get(item), rest) == wanted));
    }

    private static string NameArgument(Arguments arguments, int at, string what) =>
        at < arguments.Positional.Count && arguments.Positional[at] is string name
            ? name
            : throw new JinjaException($"'{arguments.Function}' expects the name of {what}");

    private static PyGenerator Lazy(Interpreter interpreter, object? value, Func<IEnumerable<object?>, IEnumerable<object?>> query) =>
        new(Python.IsTrue(value) ? query(interpreter.Counted(Python.Iterate(value))) : []);

    /// <summary>Reads an attribute of each item: "a.b" step by step, numbers as indexes.</summary>
    private static Func<object?, object?> Getter(object? attribute, object? byDefault = null)
    {
        object?[] path = attribute is string text
            ?
            [
                .. text.Split('.')
                    .Select(p =>
                        p.Length > 0 && p.All(char.IsAsciiDigit)
                            ? (object?)BigInteger.Parse(p, System.Globalization.CultureInfo.InvariantCulture)
                            : p
                    ),
            ]
            : [attribute];
        return item =>
        {
            foreach (object? step in path)
            {
                item = Members.GetItem(item, step);
                if (item is Undefined && byDefault is not null)
                    item = byDefault;
            }
            return item;
        };
    }

    private static Func<object?, object?> Key(BoundArguments bound)
    {
        Func<object?, object?> get = bound.Has("attribute") ? Getter(bound.Get("attribute")) : item => item;
        return bound.Flag("case_sensitive") ? get : item => get(item) is string text ? PythonCase.Lower(text) : get(item);
    }

    private static List<object?> Sort(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "reverse", "case_sensitive", "attribute");
        Func<object?, object?> key = Key(bound);
        if (bound.Get("attribute") is string text && text.Contains(',', StringComparison.Ordinal))
        {
            BoundArguments[] parts =
            [
                .. text.Split(',')
                    .Select(p => new BoundArguments(
                        "sort",
                        new() { ["attribute"] = p, ["case_sensitive"] = bound.Get("case_sensitive", false) }
                    )),
            ];
            key = item => new PyTuple([.. parts.Select(p => Key(p)(item))]);
        }
        return Sorted(Python.Iterate(value), key, bound.Flag("reverse"));
    }

    /// <summary>Python's stable sort; reversed, equal items keep their order too.</summary>
    private static List<object?> Sorted(IEnumerable<object?> items, Func<object?, object?> key, bool reversed)
    {
        var order = Comparer<object?>.Create((a, b) => Python.Compare(a, b) ?? 0);
        try
        {
            return [.. reversed ? items.OrderByDescending(key, order) : items.OrderBy(key, order)];
        }
        catch (InvalidOperationException e) when (e.InnerException is JinjaException unordered)
        {
            throw unordered; // .NET's sort wraps what a comparison throws
        }
    }

    private static List<object?> DictSort(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "case_sensitive", "by", "reverse");
        if (value is not PyDict dict)
            throw new JinjaException($"'dictsort' expects a dict, not a {Python.TypeName(value)}");
        string by = bound.Text("by", "key");
        int place = by switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new JinjaException("'dictsort' sorts by key or value"),
        };
        bool isSensitive = bound.Flag("case_sensitive");
        return Sorted(
            dict.Items.Select(i => (object?)new PyTuple([i.Key, i.Value])),
            pair => ((PyTuple)pair!).Items[place] is string text && !isSensitive ? PythonCase.Lower(text) : ((PyTuple)pair).Items[place],
            bound.Flag("reverse")
        );
    }

    private static List<object?> GroupBy(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(1, "attribute", "default", "case_sensitive");
        Func<object?, object?> raw = Getter(bound.Get("attribute"), bound.Get("default"));
        Func<object?, object?> key = bound.Flag("case_sensitive")
            ? raw
            : item => raw(item) is string text ? PythonCase.Lower(text) : raw(item);
        List<object?> groups = [];
        List<object?> group = [];
        object? current = null;
        foreach (object? item in Sorted(Python.Iterate(value), key, reversed: false))
        {
            if (group.Count > 0 && !Python.AreEqual(key(item), current))
                Close();
            current = key(item);
            group.Add(item);
        }
        if (group.Count > 0)
            Close();
        return groups;

        void Close()
        {
            groups.Add(new Group(raw(group[0]), group));
            group = [];
        }
    }

    private static object? Extreme(object? value, Arguments arguments, int wanted)
    {
        Func<object?, object?> key = Key(arguments.Bind(0, "case_sensitive", "attribute"));
        object? best = null;
        bool found = false;
        foreach (object? item in Python.Iterate(value))
        {
            if (!found || Python.Compare(key(item), key(best)) == wanted)
                best = item;
            found = true;
        }
        return found ? best : new Undefined("the extreme of an empty sequence");
    }

    private static object? Sum(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(0, "attribute", "start");
        IEnumerable<object?> items = Python.Iterate(value);
        if (bound.Has("attribute"))
            items = items.Select(Getter(bound.Get("attribute")));
        return items.Aggregate(bound.Get("start", BigInteger.Zero), (sum, item) => PythonOperators.Apply("+", sum, item));
    }

    private static PyGenerator Unique(object? value, Arguments arguments)
    {
        Func<object?, object?> key = Key(arguments.Bind(0, "case_sensitive", "attribute"));
        var seen = new PyDict();
        return new PyGenerator(
            Python
                .Iterate(value)
                .Where(item =>
                {
                    object? k = key(item);
                    bool isNew = !seen.Contains(k);
                    seen[k] = null;
                    return isNew;
                })
        );
    }

    private static PyGenerator Batch(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(1, "linecount", "fill_with");
        int size = Math.Max(1, bound.Integer("linecount", 1));
        object? fill = bound.Get("fill_with");
        return new PyGenerator(
            Python
                .Iterate(value)
                .Chunk(size)
                .Select(chunk =>
                    (object?)(fill is null ? [.. chunk] : new List<object?>([.. chunk, .. Enumerable.Repeat(fill, size - chunk.Length)]))
                )
        );
    }

    private static PyGenerator Slice(object? value, Arguments arguments)
    {
        BoundArguments bound = arguments.Bind(1, "slices", "fill_with");
        object?[] items = [.. Python.Iterate(value)];
        int slices = bound.Integer("slices", 1);
        if (slices < 1)
            throw new JinjaException("'slice' expects at least one slice");
        (int each, int more) = Math.DivRem(items.Length, slices);
        object? fill = bound.Get("fill_with");
        return new PyGenerator(
            Enumerable
                .Range(0, slices)
                .Select(i =>
                {
                    int start = i * each + Math.Min(i, more);
                    List<object?> part = [.. items[start..(start + each + (i < more ? 1 : 0))]];
                    if (fill is not null && i >= more)
                        part.Add(fill);
                    return (object?)part;
                })
        );
    }
}
