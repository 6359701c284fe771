using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Streaming.Tooling;

namespace Streaming.Architecture.Tests;

/// <summary>Inside a part, namespaces depend on each other in one direction only.</summary>
public class NamespaceTests
{
    /// <summary>The folder of each part under <c>src</c>, and its assembly.</summary>
    public static TheoryData<string, string> Parts
    {
        get
        {
            var parts = new TheoryData<string, string>();
            foreach (string folder in Directory.EnumerateDirectories(Repository.PathTo("src")))
            {
                string name = Path.GetFileName(folder);
                parts.Add(name, name == "Streaming.Cli" ? "streaming" : name);
            }
            return parts;
        }
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void Namespaces_of_a_part_form_no_cycle(string part, string assembly)
    {
        Dictionary<string, HashSet<string>> dependencies = Dependencies(part, Repository.Assembly($"src/{part}", assembly));

        Assert.NotEmpty(dependencies);
        Assert.Equal([], NamespaceCycles.Find(dependencies));
    }

    [Fact]
    public void A_cycle_is_found_and_spelled_out()
    {
        Dictionary<string, HashSet<string>> graph = new()
        {
            ["Leaf"] = [],
            ["A"] = ["B", "Leaf"],
            ["B"] = ["C"],
            ["C"] = ["A"],
        };

        Assert.Equal(["A -> B -> C -> A"], NamespaceCycles.Find(graph));
    }

    /// <summary>Each namespace of a part, and the namespaces of the same part that its types use.</summary>
    private static Dictionary<string, HashSet<string>> Dependencies(string part, string assembly)
    {
        ArchUnitNET.Domain.Architecture architecture = new ArchLoader()
            .LoadFilteredDirectory(Path.GetDirectoryName(assembly)!, Path.GetFileName(assembly))
            .Build();
        Dictionary<string, HashSet<string>> dependencies = [];
        foreach (IType type in architecture.Types.Where(t => IsOurs(t, part)))
        {
            string from = type.Namespace.FullName;
            dependencies.TryAdd(from, []);
            dependencies[from]
                .UnionWith(type.Dependencies.Select(d => d.Target).Where(t => IsOurs(t, part)).Select(t => t.Namespace.FullName));
            dependencies[from].Remove(from);
        }
        foreach (string namespaceOnlyUsed in dependencies.Values.SelectMany(d => d).Distinct().ToList())
            dependencies.TryAdd(namespaceOnlyUsed, []);
        return dependencies;
    }

    /// <summary>
    /// Whether a type is written in the part. Orleans generates others into namespaces of its own; type parameters have none.
    /// </summary>
    private static bool IsOurs(IType type, string part) =>
        type.Namespace?.FullName is { } name && (name == part || name.StartsWith(part + ".", StringComparison.Ordinal));
}
