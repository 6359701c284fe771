using System.Numerics;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>The variable <c>loop</c>.</summary>
/// <param name="items">What is iterated over.</param>
/// <param name="depth">Recursions around it.</param>
/// <param name="recurse">Runs the loop over other items and returns its output; null when the loop is not recursive.</param>
internal sealed class LoopContext(IReadOnlyList<object?> items, int depth, Func<object?, object?>? recurse) : IPyObject
{
    private int _index = -1;
    private PyTuple? _lastChanged;

    public bool IsEmpty => items.Count == 0;

    public object? Current => items[_index];

    public string TypeName => "LoopContext";

    public bool MoveNext() => ++_index < items.Count;

    public bool TryGetAttribute(string name, out object? value)
    {
        (bool known, value) = name switch
        {
            "index" => (true, (BigInteger)(_index + 1)),
            "index0" => (true, (BigInteger)_index),
            "revindex" => (true, (BigInteger)(items.Count - _index)),
            "revindex0" => (true, (BigInteger)(items.Count - _index - 1)),
            "first" => (true, _index == 0),
            "last" => (true, _index == items.Count - 1),
            "length" => (true, (BigInteger)items.Count),
            "depth" => (true, (BigInteger)(depth + 1)),
            "depth0" => (true, (BigInteger)depth),
            "previtem" => (true, _index > 0 ? items[_index - 1] : new Undefined("the item before the first")),
            "nextitem" => (true, _index + 1 < items.Count ? items[_index + 1] : new Undefined("the item after the last")),
            "cycle" => (true, new PyFunction("cycle", Cycle)),
            "changed" => (true, new PyFunction("changed", a => Changed(a))),
            _ => (false, null),
        };
        return known;
    }

    public object? Call(Arguments arguments) =>
        recurse is null
            ? throw new JinjaException("'loop' is called in a loop that is not 'recursive'")
            : recurse(arguments.Bind(1, "iterable").Get("iterable"));

    private object? Cycle(Arguments arguments) =>
        arguments.Positional.Count > 0
            ? arguments.Positional[_index % arguments.Positional.Count]
            : throw new JinjaException("loop.cycle() was given no items");

    private bool Changed(Arguments arguments)
    {
        var now = new PyTuple(arguments.Positional);
        bool isChanged = _lastChanged is null || !Python.AreEqual(_lastChanged, now);
        _lastChanged = now;
        return isChanged;
    }
}
