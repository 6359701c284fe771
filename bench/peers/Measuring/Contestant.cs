using LLama.Native;
using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Decoding;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>Who is measured: an engine with a type of weights. Its results are those of its best setting.</summary>
/// <param name="Name">For people.</param>
/// <param name="WeightBytes">Bytes of a weight, its share of the scales included.</param>
/// <param name="CachedBytes">Bytes of a number in the cache.</param>
internal sealed record Contestant(string Name, double WeightBytes, int CachedBytes);

/// <summary>One setting of a contestant, in a process that it may share with its other settings.</summary>
/// <param name="Of">The contestant.</param>
/// <param name="Setting">The setting, for people.</param>
/// <param name="Threads">Threads of its computations.</param>
/// <param name="Arguments">What the process is started with.</param>
/// <param name="Passive">Whether OpenMP's threads sleep at once when they wait: right beside other work only.</param>
internal sealed record Candidate(Contestant Of, string Setting, int Threads, string[] Arguments, bool Passive = false)
{
    /// <summary>Candidates of one key share a process.</summary>
    public string Process => string.Join(' ', Arguments) + (Passive ? " passive" : "");
}

/// <summary>The contestants and their settings.</summary>
internal static class Contestants
{
    /// <summary>The engine with a type.</summary>
    public static Contestant Ours(DType type, bool deterministic = false)
    {
        (double weight, int cached) = Shapes.BytesOf(type);
        return new Contestant($"ours, {type.ToString().ToLowerInvariant()}{(deterministic ? ", deterministic" : "")}", weight, cached);
    }

    /// <summary>llama.cpp with a type.</summary>
    public static Contestant LlamaCpp(string quant) => new($"llama.cpp, {TypeOf(quant)}", (double)TypeOf(quant).Bytes(32) / 32, 2);

    /// <summary>llama.cpp's type by its name.</summary>
    /// <exception cref="InputException">It is none that can be written.</exception>
    public static GgmlType TypeOf(string quant) => quant.ToLowerInvariant() switch
    {
        "q8_0" => GgmlType.Q8_0,
        "q4_0" => GgmlType.Q4_0,
        _ => throw new InputException($"'{quant}' is no type of llama.cpp's that is written here: take q8_0 or q4_0."),
    };

    /// <summary>The engine's settings: numbers of threads.</summary>
    public static IEnumerable<Candidate> OursOf(Plan plan, string shape, DType type, int slots, bool deterministic = false) => plan.Threads.Select(threads => new Candidate(
        Ours(type, deterministic), Threads(threads), threads,
        ["ours", shape, type.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}", $"{slots}", $"{threads}", $"{deterministic}"]));

    /// <summary>llama.cpp's settings: its builds and numbers of threads.</summary>
    public static IEnumerable<Candidate> LlamaCppOf(Plan plan, string gguf, string quant, bool passive) =>
        from avx in Builds()
        from threads in plan.Threads
        select new Candidate(
            LlamaCpp(quant), $"{avx.ToString().ToUpperInvariant()} build, {Threads(threads)}{(passive ? ", passive waiting" : "")}", threads,
            ["llama", gguf, avx.ToString(), $"{plan.Layout.Fixed}", $"{plan.Layout.Window}"], passive);

    private static AvxLevel[] Builds() => System.Runtime.Intrinsics.X86.Avx512BW.IsSupported ? [AvxLevel.Avx2, AvxLevel.Avx512]
        : System.Runtime.Intrinsics.X86.Avx2.IsSupported ? [AvxLevel.Avx2]
        : [AvxLevel.None];

    private static string Threads(int count) => count == 1 ? "1 thread" : $"{count} threads";
}
