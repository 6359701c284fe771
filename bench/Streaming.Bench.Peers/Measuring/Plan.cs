using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Tooling;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>What to measure, and for how long.</summary>
internal sealed record Plan
{
    /// <summary>Shapes with random weights.</summary>
    public required IReadOnlyList<string> Shapes { get; init; }

    /// <summary>Types of this engine; the targets are about the first.</summary>
    public required IReadOnlyList<DType> Types { get; init; }

    /// <summary>Types of llama.cpp; the targets are about the first.</summary>
    public required IReadOnlyList<string> Quants { get; init; }

    /// <summary>Numbers of threads. The result of a backend is the best of them.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>The cache of each conversation.</summary>
    public required CacheLayout Layout { get; init; }

    /// <summary>Conversations in a step.</summary>
    public required IReadOnlyList<int> Conversations { get; init; }

    /// <summary>Lengths of prompts; the targets are about the last.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>Tokens of a prompt that are fed at once. The result of a backend is the best of them.</summary>
    public required IReadOnlyList<int> Chunks { get; init; }

    /// <summary>Turns of each setting.</summary>
    public required int Rounds { get; init; }

    /// <summary>Length of a turn.</summary>
    public required TimeSpan Turn { get; init; }

    /// <summary>Least number of steps in a turn.</summary>
    public required int LeastSteps { get; init; }

    /// <summary>Size of the buffer that is read to measure the machine's memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Conversations of the host.</summary>
    public required int Served { get; init; }

    /// <summary>The host's checkpoint.</summary>
    public required string ServedModel { get; init; }

    /// <summary>The cache of the host's conversations; as large as the checkpoint allows.</summary>
    public required CacheLayout ServedLayout { get; init; }

    /// <summary>Length of a turn of the host and of the engine without a host.</summary>
    public required TimeSpan ServedTurn { get; init; }

    /// <summary>Conversations in a step beside a build.</summary>
    public required IReadOnlyList<int> Busy { get; init; }

    /// <summary>How long steps are measured beside a build.</summary>
    public required TimeSpan BusyTurn { get; init; }

    /// <summary>
    /// Whether llama.cpp's threads sleep while they wait. On an idle machine spinning is faster; beside other work, steps that spin
    /// take seconds.
    /// </summary>
    public required bool Passive { get; init; }

    /// <summary>Parts to measure.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>Whether it is the small version.</summary>
    public required bool Small { get; init; }

    /// <summary>All parts.</summary>
    public static readonly string[] AllParts = ["shapes", "busy", "served"];

    /// <summary>The whole measurement.</summary>
    public static Plan Full() =>
        new()
        {
            Shapes = ["smol135m", "llama1b"],
            Types = [DType.Int8],
            Quants = ["q8_0"],
            Threads = Environment.ProcessorCount == 1 ? [1] : [1, Environment.ProcessorCount],
            Layout = new CacheLayout(4, 1020),
            Conversations = [1, 4, 8, 16],
            Prompts = [16, 512],
            Chunks = [128, 512],
            Rounds = 5,
            Turn = TimeSpan.FromSeconds(1.5),
            LeastSteps = 8,
            MemoryBytes = 1L << 30,
            Served = 16,
            ServedModel = Repository.PathTo("models", "starter"),
            ServedLayout = new CacheLayout(4, 1020),
            ServedTurn = TimeSpan.FromSeconds(10),
            Busy = [1, 8],
            BusyTurn = TimeSpan.FromSeconds(30),
            Passive = false,
            Parts = AllParts,
            Small = false,
        };

    /// <summary>Everything once, in seconds, as a check that the program works; its numbers mean nothing.</summary>
    public static Plan SmallVersion() =>
        Full() with
        {
            Shapes = [Peers.Shapes.Tiny],
            Quants = ["q8_0", "q4_0"],
            Layout = new CacheLayout(4, 252),
            Conversations = [1, 8],
            Prompts = [16, 128],
            Chunks = [128],
            Rounds = 1,
            Turn = TimeSpan.FromMilliseconds(30),
            LeastSteps = 3,
            MemoryBytes = 16 << 20,
            Served = 4,
            ServedLayout = new CacheLayout(4, 60),
            ServedTurn = TimeSpan.FromSeconds(1),
            Busy = [1],
            BusyTurn = TimeSpan.FromMilliseconds(300),
            Passive = true,
            Small = true,
        };

    /// <summary>Checks that the plan can be measured.</summary>
    /// <exception cref="InputException">It cannot.</exception>
    public void Check()
    {
        foreach (string part in Parts.Except(AllParts))
            throw new InputException($"There is no part '{part}': use {string.Join(", ", AllParts)}.");
        foreach (string shape in Shapes)
            _ = Peers.Shapes.Of(shape);
        foreach (string quant in Quants)
            _ = Backends.TypeOf(quant);
        foreach (DType type in Types)
            _ = Backends.Ours(type);
        foreach (int threads in Threads.Where(threads => threads < 1 || threads > Environment.ProcessorCount))
            throw new InputException(
                $"{threads} threads cannot be measured: use 1 to {Environment.ProcessorCount}, the processors of this machine."
            );
        if (Rounds < 1)
            throw new InputException($"{Rounds} rounds measure nothing: use 1 or more.");
    }
}
