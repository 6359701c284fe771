using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>What is measured, and for how long.</summary>
internal sealed record Plan
{
    /// <summary>Shapes with random weights.</summary>
    public required IReadOnlyList<string> Shapes { get; init; }

    /// <summary>Our types; the first is the one that targets speak of.</summary>
    public required IReadOnlyList<DType> Types { get; init; }

    /// <summary>llama.cpp's types; the first is the one that targets speak of.</summary>
    public required IReadOnlyList<string> Quants { get; init; }

    /// <summary>Thread counts among which each side has its best.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>The cache of each conversation.</summary>
    public required CacheLayout Layout { get; init; }

    /// <summary>Conversations in a step.</summary>
    public required IReadOnlyList<int> Conversations { get; init; }

    /// <summary>Lengths of prompts; the last is the one that targets speak of.</summary>
    public required IReadOnlyList<int> Prompts { get; init; }

    /// <summary>Tokens fed at once, among which each side has its best.</summary>
    public required IReadOnlyList<int> Chunks { get; init; }

    /// <summary>Turns of everybody.</summary>
    public required int Rounds { get; init; }

    /// <summary>Length of a turn.</summary>
    public required TimeSpan Turn { get; init; }

    /// <summary>Steps in a turn at least.</summary>
    public required int LeastSteps { get; init; }

    /// <summary>Size of the buffer that stands for the machine's memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Conversations that a host serves.</summary>
    public required int Served { get; init; }

    /// <summary>The host's checkpoint, its type and its cache.</summary>
    public required string ServedModel { get; init; }

    /// <summary>The host's cache; as large as the checkpoint allows.</summary>
    public required CacheLayout ServedLayout { get; init; }

    /// <summary>Length of a turn of the host and of the engine alone.</summary>
    public required TimeSpan ServedTurn { get; init; }

    /// <summary>Conversations in the steps beside a build.</summary>
    public required IReadOnlyList<int> Busy { get; init; }

    /// <summary>How long steps are watched beside a build.</summary>
    public required TimeSpan BusyTurn { get; init; }

    /// <summary>
    /// Whether llama.cpp's threads sleep at once when they wait. On an idle machine spinning is their best; beside anything else
    /// spinning steps take seconds.
    /// </summary>
    public required bool Passive { get; init; }

    /// <summary>Which parts are measured.</summary>
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
            ServedLayout = new CacheLayout(4, 508),
            ServedTurn = TimeSpan.FromSeconds(10),
            Busy = [1, 8],
            BusyTurn = TimeSpan.FromSeconds(30),
            Passive = false,
            Parts = AllParts,
            Small = false,
        };

    /// <summary>Everything once, in seconds: it shows that the program works, and its numbers say nothing.</summary>
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

    /// <summary>Refuses what cannot be measured.</summary>
    /// <exception cref="InputException">Says what.</exception>
    public void Check()
    {
        foreach (string part in Parts.Except(AllParts))
            throw new InputException($"There is no part '{part}': take {string.Join(", ", AllParts)}.");
        foreach (string shape in Shapes)
            _ = Peers.Shapes.Of(shape);
        foreach (string quant in Quants)
            _ = Contestants.TypeOf(quant);
        foreach (DType type in Types)
            _ = Contestants.Ours(type);
        foreach (int threads in Threads.Where(threads => threads < 1 || threads > Environment.ProcessorCount))
            throw new InputException(
                $"{threads} threads cannot be measured: take 1 to {Environment.ProcessorCount}, the processors of this machine."
            );
        if (Rounds < 1)
            throw new InputException($"{Rounds} rounds measure nothing: take 1 or more.");
    }
}
