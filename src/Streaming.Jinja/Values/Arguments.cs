using System.Numerics;

namespace Streaming.Jinja.Values;

/// <summary>The arguments of one call.</summary>
/// <param name="function">The function's name, for messages.</param>
/// <param name="positional">Positional arguments.</param>
/// <param name="named">Named arguments.</param>
internal sealed class Arguments(string function, IReadOnlyList<object?> positional, IReadOnlyList<(string Name, object? Value)> named)
{
    public string Function { get; } = function;

    public IReadOnlyList<object?> Positional { get; } = positional;

    public IReadOnlyList<(string Name, object? Value)> Named { get; } = named;

    /// <summary>Assigns arguments to parameters, as Python does.</summary>
    /// <param name="required">How many of the parameters have no default.</param>
    /// <param name="parameters">All parameters.</param>
    /// <exception cref="JinjaException">One is missing, unknown or given twice.</exception>
    public BoundArguments Bind(int required, params string[] parameters)
    {
        if (Positional.Count > parameters.Length)
            throw new JinjaException($"{Function}() takes at most {parameters.Length} arguments and was given {Positional.Count}");
        Dictionary<string, object?> values = [];
        for (int i = 0; i < Positional.Count; i++)
            values[parameters[i]] = Positional[i];
        foreach ((string name, object? value) in Named)
        {
            if (!parameters.Contains(name))
                throw new JinjaException($"{Function}() has no parameter '{name}'");
            if (!values.TryAdd(name, value))
                throw new JinjaException($"{Function}() was given '{name}' twice");
        }
        for (int i = 0; i < required; i++)
        {
            if (!values.ContainsKey(parameters[i]))
                throw new JinjaException($"{Function}() misses its argument '{parameters[i]}'");
        }
        return new BoundArguments(Function, values);
    }

    /// <summary>Takes no arguments.</summary>
    public void BindNone() => Bind(0);
}

/// <summary>Arguments by the name of their parameter.</summary>
internal sealed class BoundArguments(string function, Dictionary<string, object?> values)
{
    /// <summary>A value; the default when it was not given.</summary>
    public object? Get(string name, object? byDefault = null) => values.TryGetValue(name, out object? value) ? value : byDefault;

    /// <summary>Whether it was given and is not None.</summary>
    public bool Has(string name) => values.TryGetValue(name, out object? value) && value is not null;

    public string Text(string name, string byDefault = "") =>
        Get(name, byDefault) switch
        {
            string text => text,
            Markup markup => markup.Text,
            var other => throw new JinjaException($"{function}() expects a str for '{name}', not a {Python.TypeName(other)}"),
        };

    public int Integer(string name, int byDefault) => PythonNumber.ToInt32(Get(name, (BigInteger)byDefault), $"{function}()'s '{name}'");

    public bool Flag(string name, bool byDefault = false) => Python.IsTrue(Get(name, byDefault));
}
