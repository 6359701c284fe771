using LLama.Native;
using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>What is measured: an engine with a type of weights. Its result is that of its best setting.</summary>
/// <param name="Name">Its name in results.</param>
/// <param name="Costs">Bytes that its steps read.</param>
internal sealed record Backend(string Name, ByteCosts Costs);

/// <summary>A setting of a backend. Settings may share a process.</summary>
/// <param name="Backend">The backend.</param>
/// <param name="Name">Its name in results.</param>
/// <param name="Threads">Threads of its computations.</param>
/// <param name="Arguments">Arguments of the process.</param>
/// <param name="Environment">Environment of the process.</param>
internal sealed record BackendSetting(
    Backend Backend,
    string Name,
    int Threads,
    string[] Arguments,
    RunnerEnvironment Environment = RunnerEnvironment.Plain
)
{
    /// <summary>Settings with the same value share a process.</summary>
    public string Process => $"{string.Join(' ', Arguments)} ({Environment})";
}

/// <summary>Environment of a runner's process.</summary>
[Flags]
internal enum RunnerEnvironment
{
    /// <summary>The system's defaults.</summary>
    Plain = 0,

    /// <summary>OpenMP's threads sleep while they wait, which is best beside other work only.</summary>
    Passive = 1,

    /// <summary>Memory has pages of 2 MiB, as in the engine.</summary>
    LargePages = 2,
}

/// <summary>The backends and their settings.</summary>
internal static class Backends
{
    /// <summary>This engine with a type of weights.</summary>
    public static Backend Ours(DType type, bool deterministic = false) =>
        new($"ours, {type.ToString().ToLowerInvariant()}{(deterministic ? ", deterministic" : "")}", Shapes.CostsOf(type));

    /// <summary>llama.cpp with a type of weights and a cache in float16.</summary>
    public static Backend LlamaCpp(string quant)
    {
        GgmlType type = TypeOf(quant);
        double weight = (double)type.Bytes(type.BlockLength()) / type.BlockLength();
        return new Backend($"llama.cpp, {type}", new ByteCosts(weight, weight, 2, 0));
    }

    /// <summary>A type of llama.cpp by its name.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static GgmlType TypeOf(string quant) =>
        quant.ToLowerInvariant() switch
        {
            "q8_0" => GgmlType.Q8_0,
            "q4_0" => GgmlType.Q4_0,
            _ => throw new InputException($"'{quant}' is not a type of llama.cpp that can be written: use q8_0 or q4_0."),
        };

    /// <summary>Settings of this engine: numbers of threads.</summary>
    public static IEnumerable<BackendSetting> OursOf(Plan plan, string shape, DType type, int slots, bool deterministic = false) =>
        plan.Threads.Select(threads => new BackendSetting(
            Ours(type, deterministic),
            Threads(threads),
            threads,
            ["ours", shape, type.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}", $"{slots}", $"{threads}", $"{deterministic}"]
        ));

    /// <summary>Settings of llama.cpp: its builds, size of pages, and numbers of threads.</summary>
    public static IEnumerable<BackendSetting> LlamaCppOf(Plan plan, string gguf, string quant, bool passive) =>
        from avx in Builds()
        from pages in (RunnerEnvironment[])[RunnerEnvironment.Plain, RunnerEnvironment.LargePages]
        from threads in plan.Threads
        select new BackendSetting(
            LlamaCpp(quant),
            $"{avx.ToString().ToUpperInvariant()} build, {Threads(threads)}"
                + (pages == RunnerEnvironment.LargePages ? ", large pages" : "")
                + (passive ? ", passive waiting" : ""),
            threads,
            ["llama", gguf, avx.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}", $"{pages == RunnerEnvironment.Plain}"],
            pages | (passive ? RunnerEnvironment.Passive : RunnerEnvironment.Plain)
        );

    private static AvxLevel[] Builds() =>
        System.Runtime.Intrinsics.X86.Avx512BW.IsSupported ? [AvxLevel.Avx2, AvxLevel.Avx512]
        : System.Runtime.Intrinsics.X86.Avx2.IsSupported ? [AvxLevel.Avx2]
        : [AvxLevel.None];

    private static string Threads(int count) => count == 1 ? "1 thread" : $"{count} threads";
}
