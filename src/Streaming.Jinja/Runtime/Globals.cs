using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Functions that every template has.</summary>
internal static class Globals
{
    private const int LongestRange = 100_000; // as in Jinja2's sandbox

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<(string Name, object? Value)> All { get; } =
    [
        ("range", new PyFunction("range", Range)),
        ("dict", new PyFunction("dict", Dict)),
        ("namespace", new PyFunction("namespace", Namespace)),
        ("cycler", new PyFunction("cycler", a => new Cycler(a.Positional))),
        ("joiner", new PyFunction("joiner", a => new Joiner(a.Bind(0, "sep").Text("sep", ", ")))),
        ("lipsum", new PyFunction("lipsum", _ => throw new JinjaException("the function 'lipsum' is not supported"))),
    ];

    /// <summary>A copy of a dictionary; its values are shared.</summary>
    public static PyDict Copy(PyDict dict)
    {
        var copy = new PyDict();
        foreach ((object? key, object? value) in dict.Items)
            copy[key] = value;
        return copy;
    }

    private static PyRange Range(Arguments arguments)
    {
        if (arguments.Named.Count > 0 || arguments.Positional.Count is 0 or > 3)
            throw new JinjaException("range() takes one to three positional arguments");
        int[] bounds = [.. arguments.Positional.Select(p => PythonNumber.ToInt32(p, "an argument of range()"))];
        int step = bounds.Length > 2 ? bounds[2] : 1;
        if (step == 0)
            throw new JinjaException("the step of range() is 0");
        PyRange range = bounds.Length == 1 ? new(0, bounds[0], 1) : new(bounds[0], bounds[1], step);
        return range.Count <= LongestRange
            ? range
            : throw new JinjaException($"a range is longer than {LongestRange}, the sandbox's limit");
    }

    private static PyDict Dict(Arguments arguments)
    {
        if (arguments.Positional.Count > 1)
            throw new JinjaException("dict() takes at most one positional argument");
        PyDict dict = arguments.Positional switch
        {
            [] => new PyDict(),
            [PyDict other] => Copy(other),
            _ => FromPairs(arguments.Positional[0]),
        };
        foreach ((string name, object? value) in arguments.Named)
            dict[name] = value;
        return dict;
    }

    private static PyDict FromPairs(object? pairs)
    {
        var dict = new PyDict();
        foreach (object? pair in Python.Iterate(pairs))
        {
            object?[] items = [.. Python.Iterate(pair)];
            if (items.Length != 2)
                throw new JinjaException("dict() expects pairs of a key and a value");
            dict[items[0]] = items[1];
        }
        return dict;
    }

    private static PyNamespace Namespace(Arguments arguments)
    {
        var space = new PyNamespace();
        foreach ((object? key, object? value) in Dict(arguments).Items)
            space.Attributes[key as string ?? throw new JinjaException("namespace() expects keys that are str")] = value;
        return space;
    }

    private sealed class Cycler(IReadOnlyList<object?> items) : IPyObject
    {
        private int _at;

        public string TypeName => "Cycler";

        public bool TryGetAttribute(string name, out object? value)
        {
            (bool known, value) = name switch
            {
                "current" => (true, items[_at]),
                "next" => (true, new PyFunction("next", Next)),
                "reset" => (true, new PyFunction("reset", Reset)),
                _ => (false, null),
            };
            return known;
        }

        private object? Next(Arguments arguments)
        {
            object? item = items[_at];
            _at = (_at + 1) % items.Count;
            return item;
        }

        private object? Reset(Arguments arguments)
        {
            _at = 0;
            return null;
        }
    }

    private sealed class Joiner(string separator) : IPyObject
    {
        private bool _isUsed;

        public string TypeName => "Joiner";

        public bool TryGetAttribute(string name, out object? value)
        {
            value = null;
            return false;
        }

        public object? Call(Arguments arguments)
        {
            string text = _isUsed ? separator : "";
            _isUsed = true;
            return text;
        }
    }
}
