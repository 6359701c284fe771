using System.CommandLine;
using Streaming.Inference;
using Streaming.Inference.Memory;
using Streaming.Tooling;

namespace Streaming.Bench;

/// <summary>Runs a benchmark's command line.</summary>
public static class Benchmark
{
    /// <summary>An option with a folder for results.</summary>
    /// <param name="parts">The default, from the repository's root.</param>
    public static Option<string> Output(params string[] parts) =>
        new("--out")
        {
            Description = "Folder of the results.",
            DefaultValueFactory = _ => Repository.PathTo(parts),
            Recursive = true,
        };

    /// <summary>An option with a default.</summary>
    public static Option<T> Option<T>(string name, T value, string description) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => value,
            AllowMultipleArgumentsPerToken = typeof(T).IsArray,
            Recursive = true,
        };

    /// <summary>Restarts the process with the allocator's settings that the engine needs, if they are not set.</summary>
    public static void SetAllocator()
    {
        if (AllocatorEnvironment.EnsureOrReexec() is { } warning)
            Console.Error.WriteLine(warning);
    }

    /// <inheritdoc cref="ToolCommand.RunAsync"/>
    public static Task<int> RunAsync(RootCommand root, string[] arguments) =>
        ToolCommand.RunAsync(root, arguments, e => e is InputException);
}
