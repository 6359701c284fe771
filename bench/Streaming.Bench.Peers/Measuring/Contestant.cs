using LLama.Native;
using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>Who is measured: an engine with a type of weights. Its results are those of its best setting.</summary>
/// <param name="Name">For people.</param>
/// <param name="Costs">What a step of it reads.</param>
internal sealed record Contestant(string Name, ByteCosts Costs);

/// <summary>One setting of a contestant, in a process that it may share with its other settings.</summary>
/// <param name="Of">The contestant.</param>
/// <param name="Setting">The setting, for people.</param>
/// <param name="Threads">Threads of its computations.</param>
/// <param name="Arguments">What the process is started with.</param>
/// <param name="Environment">How the system's libraries behave in it.</param>
internal sealed record Candidate(
    Contestant Of,
    string Setting,
    int Threads,
    string[] Arguments,
    SideEnvironment Environment = SideEnvironment.Plain
)
{
    /// <summary>Candidates of one key share a process.</summary>
    public string Process => $"{string.Join(' ', Arguments)} ({Environment})";
}

/// <summary>How the system's libraries behave in a side's process.</summary>
[Flags]
internal enum SideEnvironment
{
    /// <summary>As they do by themselves.</summary>
    Plain = 0,

    /// <summary>OpenMP's threads sleep at once when they wait: right beside other work only.</summary>
    Passive = 1,

    /// <summary>Memory comes in pages of 2 MiB, as the engine's does.</summary>
    LargePages = 2,
}

/// <summary>The contestants and their settings.</summary>
internal static class Contestants
{
    /// <summary>The engine with a type.</summary>
    public static Contestant Ours(DType type, bool deterministic = false) =>
        new($"ours, {type.ToString().ToLowerInvariant()}{(deterministic ? ", deterministic" : "")}", Shapes.CostsOf(type));

    /// <summary>llama.cpp with a type, and a cache in float16.</summary>
    public static Contestant LlamaCpp(string quant)
    {
        GgmlType type = TypeOf(quant);
        double weight = (double)type.Bytes(type.BlockLength()) / type.BlockLength();
        return new Contestant($"llama.cpp, {type}", new ByteCosts(weight, weight, 2, 0));
    }

    /// <summary>llama.cpp's type by its name.</summary>
    /// <exception cref="InputException">It is none that can be written.</exception>
    public static GgmlType TypeOf(string quant) =>
        quant.ToLowerInvariant() switch
        {
            "q8_0" => GgmlType.Q8_0,
            "q4_0" => GgmlType.Q4_0,
            _ => throw new InputException($"'{quant}' is no type of llama.cpp's that is written here: take q8_0 or q4_0."),
        };

    /// <summary>The engine's settings: numbers of threads.</summary>
    public static IEnumerable<Candidate> OursOf(Plan plan, string shape, DType type, int slots, bool deterministic = false) =>
        plan.Threads.Select(threads => new Candidate(
            Ours(type, deterministic),
            Threads(threads),
            threads,
            ["ours", shape, type.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}", $"{slots}", $"{threads}", $"{deterministic}"]
        ));

    /// <summary>llama.cpp's settings: its builds, where its weights lie, and numbers of threads.</summary>
    public static IEnumerable<Candidate> LlamaCppOf(Plan plan, string gguf, string quant, bool passive) =>
        from avx in Builds()
        from pages in (SideEnvironment[])[SideEnvironment.Plain, SideEnvironment.LargePages]
        from threads in plan.Threads
        select new Candidate(
            LlamaCpp(quant),
            $"{avx.ToString().ToUpperInvariant()} build, {Threads(threads)}{(pages == SideEnvironment.LargePages ? ", large pages" : "")}{(passive ? ", passive waiting" : "")}",
            threads,
            ["llama", gguf, avx.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}", $"{pages == SideEnvironment.Plain}"],
            pages | (passive ? SideEnvironment.Passive : SideEnvironment.Plain)
        );

    private static AvxLevel[] Builds() =>
        System.Runtime.Intrinsics.X86.Avx512BW.IsSupported ? [AvxLevel.Avx2, AvxLevel.Avx512]
        : System.Runtime.Intrinsics.X86.Avx2.IsSupported ? [AvxLevel.Avx2]
        : [AvxLevel.None];

    private static string Threads(int count) => count == 1 ? "1 thread" : $"{count} threads";
}
