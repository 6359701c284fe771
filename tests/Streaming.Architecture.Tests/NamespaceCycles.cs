namespace Streaming.Architecture.Tests;

/// <summary>Finds cycles in a directed graph of namespaces.</summary>
internal static class NamespaceCycles
{
    /// <summary>
    /// Cycles as "A -> B -> A", at least one of each group of namespaces that depend on each other; empty for a graph without cycles.
    /// </summary>
    public static IReadOnlyList<string> Find(IReadOnlyDictionary<string, HashSet<string>> graph)
    {
        List<string> cycles = [];
        foreach (string start in graph.Keys.Order(StringComparer.Ordinal))
        {
            if (
                ShortestCycle(graph, start) is { } cycle
                && string.Equals(cycle.Min(StringComparer.Ordinal), start, StringComparison.Ordinal)
            )
                cycles.Add(string.Join(" -> ", [.. cycle, start]));
        }
        return cycles;
    }

    /// <summary>The shortest way from a namespace back to itself, by breadth-first search; null when there is none.</summary>
    private static List<string>? ShortestCycle(IReadOnlyDictionary<string, HashSet<string>> graph, string start)
    {
        Queue<List<string>> paths = new([
            [start],
        ]);
        HashSet<string> seen = [];
        while (paths.TryDequeue(out List<string>? path))
        {
            foreach (string next in graph[path[^1]].Order(StringComparer.Ordinal))
            {
                if (next == start)
                    return path;
                if (seen.Add(next))
                    paths.Enqueue([.. path, next]);
            }
        }
        return null;
    }
}
