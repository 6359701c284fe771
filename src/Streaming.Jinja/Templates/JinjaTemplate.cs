using System.Numerics;
using Streaming.Jinja.Runtime;
using Streaming.Jinja.Syntax;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Templates;

/// <summary>
/// A Jinja template, rendered as Python's Jinja2 3.1 renders it in the environment of Hugging Face transformers: immutable sandbox,
/// <c>trim_blocks</c>, <c>lstrip_blocks</c>, <c>break</c> and <c>continue</c>, <c>raise_exception</c>, <c>strftime_now</c> and
/// transformers' own <c>tojson</c>.
/// What differs is refused by name and line: never at first use where the text alone tells, and never silently.
/// Any number of threads may render one template.
/// </summary>
public sealed class JinjaTemplate
{
    private readonly IReadOnlyList<Statement> _body;
    private readonly JinjaLimits _limits;

    private JinjaTemplate(IReadOnlyList<Statement> body, JinjaLimits limits)
    {
        _body = body;
        _limits = limits;
    }

    /// <summary>Parses a template.</summary>
    /// <param name="source">Its text; line ends of any system count as <c>\n</c>.</param>
    /// <param name="limits">What a rendering may use; null for <see cref="JinjaLimits.Default"/>.</param>
    /// <exception cref="JinjaException">It is not a template, or uses what is not supported.</exception>
    public static JinjaTemplate Parse(string source, JinjaLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= JinjaLimits.Default;
        return new JinjaTemplate(Parser.Parse(source, Filters.Names, limits.Depth), limits);
    }

    /// <summary>Renders the template.</summary>
    /// <param name="variables">
    /// What it may name: null, <see cref="bool"/>, <see cref="int"/>, <see cref="long"/>, <see cref="double"/>,
    /// <see cref="string"/>, sequences of these, and dictionaries with <see cref="string"/> keys.
    /// </param>
    /// <param name="strftimeNow">The host's <c>strftime_now</c>: a format in, the present time out.</param>
    /// <exception cref="JinjaException">The template fails, refuses its input, or needs more than the limits allow.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables, Func<string, string> strftimeNow)
    {
        ArgumentNullException.ThrowIfNull(variables);
        ArgumentNullException.ThrowIfNull(strftimeNow);
        IEnumerable<KeyValuePair<string, object?>> given = variables.Select(v => KeyValuePair.Create(v.Key, ToPython(v.Value)));
        KeyValuePair<string, object?>[] host =
        [
            new("raise_exception", new PyFunction("raise_exception", Raise)),
            new("strftime_now", new PyFunction("strftime_now", a => strftimeNow(a.Bind(1, "format").Text("format")))),
        ];
        return new Interpreter(_limits).Render(_body, host.Concat(given));
    }

    private static object? Raise(Arguments arguments) =>
        throw new JinjaException(Python.ToText(arguments.Bind(1, "message").Get("message"))) { IsRaisedByTemplate = true };

    private static object? ToPython(object? value) =>
        value switch
        {
            null or bool or double or string => value,
            int or long => (BigInteger)Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
            IEnumerable<KeyValuePair<string, object?>> map => ToDict(map),
            IEnumerable<KeyValuePair<string, string>> map => ToDict(map.Select(p => KeyValuePair.Create(p.Key, (object?)p.Value))),
            System.Collections.IEnumerable items => items.Cast<object?>().Select(ToPython).ToList(),
            _ => throw new ArgumentException($"A template takes no {value.GetType().Name}.", nameof(value)),
        };

    private static PyDict ToDict(IEnumerable<KeyValuePair<string, object?>> map)
    {
        var dict = new PyDict();
        foreach ((string key, object? item) in map)
            dict[key] = ToPython(item);
        return dict;
    }
}
