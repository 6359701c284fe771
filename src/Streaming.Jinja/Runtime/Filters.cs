using System.Collections.Frozen;
using Streaming.Jinja.Syntax;
using Streaming.Jinja.Values;

namespace Streaming.Jinja.Runtime;

/// <summary>Jinja2's filters, by name.</summary>
internal static class Filters
{
    public delegate object? Function(Interpreter interpreter, object? value, Arguments arguments);

    private static readonly FrozenDictionary<string, Function> All = Enumerable
        .Concat(TextFilters.All, SequenceFilters.All)
        .ToFrozenDictionary(f => f.Name, f => f.Function);

    /// <summary>Filters of Jinja2 that chat templates have no use for, or whose result is random.</summary>
    private static readonly FrozenSet<string> Unsupported = ["pprint", "random", "urlize", "wordwrap", "xmlattr"];

    /// <summary>What the parser asks.</summary>
    public static IKnownNames Names { get; } = new KnownNames();

    /// <summary>Whether there is a filter.</summary>
    public static bool Exists(string name) => All.ContainsKey(name) || Unsupported.Contains(name);

    /// <summary>A filter.</summary>
    /// <exception cref="JinjaException">There is none of that name, or it is not supported.</exception>
    public static Function Get(string name) =>
        All.GetValueOrDefault(name)
        ?? throw new JinjaException(Unsupported.Contains(name) ? $"the filter '{name}' is not supported" : $"there is no filter '{name}'");

    private sealed class KnownNames : IKnownNames
    {
        public void RequireFilter(string name, int line)
        {
            if (!All.ContainsKey(name))
                throw new JinjaException(
                    Unsupported.Contains(name) ? $"the filter '{name}' is not supported" : $"there is no filter '{name}'",
                    line
                );
        }

        public void RequireTest(string name, int line)
        {
            if (!Tests.Exists(name))
                throw new JinjaException($"there is no test '{name}'", line);
        }
    }
}
