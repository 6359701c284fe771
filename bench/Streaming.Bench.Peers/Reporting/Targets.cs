using Streaming.Bench.Peers.Records;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>A target and its measured value.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Asked">The least value, or the largest one if <paramref name="AtMost"/>.</param>
/// <param name="Measured">The measured value, or null.</param>
/// <param name="AtMost">Whether lower is better.</param>
internal sealed record Target(string Name, double Asked, double? Measured, bool AtMost = false)
{
    /// <summary>Whether it was met.</summary>
    public string Verdict =>
        Measured is not { } measured ? "not measured"
        : (AtMost ? measured <= Asked : measured >= Asked) ? "met"
        : "**missed**";
}

/// <summary>The targets on two cores.</summary>
internal static class Targets
{
    private const double One = 2,
        Eight = 4,
        Prompts = 1.5,
        Share = 0.75,
        ShareOfLlama1B = 0.85,
        Deterministic = 0.8,
        Served = 0.9,
        Busy = 5;

    /// <summary>All targets.</summary>
    public static IEnumerable<Target> Of(Summary summary)
    {
        string? ours = summary.Ours(Kinds.Decode),
            peer = summary.Peer(Kinds.Decode);
        foreach (string shape in summary.Shapes)
        {
            yield return new($"{shape}, one conversation: tokens/s over llama.cpp's best", One, Ratio(Kinds.Decode, shape, 1, peer, ours));
            double share = shape == "llama1b" ? ShareOfLlama1B : Share;
            (double? ofMemory, double? ofSameSize) = Shares(summary, shape, 1, ours);
            yield return new($"{shape}, one conversation: share of the read bandwidth, {Size(summary.Memory.Bytes)}", share, ofMemory);
            yield return new($"{shape}, one conversation: share of the read bandwidth, as many bytes as a step's", share, ofSameSize);
            yield return new(
                $"{shape}, eight conversations: tokens/s in all over llama.cpp's best",
                Eight,
                Ratio(Kinds.Decode, shape, 8, peer, ours)
            );
            int longest = summary.Loads(Kinds.Prompt, shape).DefaultIfEmpty().Max();
            yield return new(
                $"{shape}, prompts of {longest} tokens: tokens/s over llama.cpp's best",
                Prompts,
                Ratio(Kinds.Prompt, shape, longest, peer, ours)
            );
            yield return new(
                $"{shape}, eight conversations: deterministic mode over the normal one",
                Deterministic,
                Ratio(Kinds.Decode, shape, 8, ours, ours + ", deterministic")
            );
        }
        yield return new(
            "conversations at a host over the engine alone",
            Served,
            summary.Served is { } served ? served.Served / served.Alone : null
        );
        foreach (string shape in summary.BusyShapes)
        {
            foreach (int conversations in summary.Loads(Kinds.Busy, shape))
            {
                Measured? steps = AsHost(summary, shape, conversations);
                yield return new(
                    $"{shape}, {conversations} conversation(s) beside a build, {steps?.Setting}: longest step over the median",
                    Busy,
                    steps?.LongestOverMedian,
                    AtMost: true
                );
            }
        }
        if (summary.BusyShapes.Count == 0)
            yield return new("steps beside a build: the longest over the median", Busy, null, AtMost: true);

        double? Ratio(string kind, string shape, int load, string? below, string? above) =>
            summary.Best(kind, shape, load, below)?.Median / summary.Best(kind, shape, load, above)?.Median;
    }

    /// <summary>
    /// The bytes of a step, divided by what the reading loop reads in the step's time with as many threads: of the large buffer, and of
    /// one as large as the step's bytes.
    /// </summary>
    public static (double? OfMemory, double? OfSameSize) Shares(Summary summary, string shape, int conversations, string? backend)
    {
        Measured? best = summary.Best(Kinds.Decode, shape, conversations, backend);
        if (best is null)
            return (null, null);
        double bytes = summary.StepBytes(shape, conversations, best.Backend),
            reached = bytes / 1e6 / best.Median;
        double size = summary.ReadSizes(shape).MinBy(read => Math.Abs(read - bytes));
        return (
            reached / summary.Bandwidth(shape, best.Threads, summary.Memory.Bytes),
            reached / summary.Bandwidth(shape, best.Threads, size)
        );
    }

    /// <summary>A size with its unit.</summary>
    public static string Size(double bytes) => bytes >= 1 << 30 ? $"{bytes / (1 << 30):0.##} GiB" : $"{bytes / 1e6:0.#} MB";

    /// <summary>Our steps with a host's default number of threads, one less than there are processors.</summary>
    private static Measured? AsHost(Summary summary, string shape, int conversations)
    {
        string? ours = summary.Ours(Kinds.Busy);
        return ours is null ? null : summary.Tried(Kinds.Busy, shape, conversations, ours).MinBy(measured => measured.Threads);
    }
}
