using Streaming.Bench.Peers.Records;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>A contestant at one setting and load.</summary>
/// <param name="Contestant">Who.</param>
/// <param name="Setting">With which settings.</param>
/// <param name="Threads">Threads of its computations.</param>
/// <param name="Ms">All its steps or prompts, ascending, milliseconds.</param>
internal sealed record Measured(string Contestant, string Setting, int Threads, IReadOnlyList<double> Ms)
{
    /// <summary>The median, milliseconds.</summary>
    public double Median => Summary.Median(Ms);

    /// <summary>How much longer the longest was than the median.</summary>
    public double LongestOverMedian => Ms[^1] / Median;

    /// <summary>Tokens per second when each step or prompt takes the median.</summary>
    public double Rate(int tokens) => 1000 * tokens / Median;
}

/// <summary>What the samples of a run say.</summary>
internal sealed class Summary(IReadOnlyList<Sample> samples)
{
    /// <summary>The run's own line.</summary>
    public RunFacts Run { get; } = samples.First(sample => sample.Kind == Kinds.Run).Run!;

    /// <summary>Shapes that all contestants were measured with.</summary>
    public IReadOnlyList<string> Shapes { get; } =
    [.. samples.Where(sample => sample.Kind == Kinds.Decode).Select(sample => sample.Shape!).Distinct()];

    /// <summary>Contestants by their first appearance: llama.cpp's types, then ours, then ours in deterministic mode.</summary>
    public IReadOnlyList<string> Contestants(string kind, string? shape = null) =>
        [
            .. samples
                .Where(sample => sample.Kind == kind && (shape is null || sample.Shape == shape))
                .Select(sample => sample.Contestant!)
                .Distinct(),
        ];

    /// <summary>The contestant of ours that targets speak of.</summary>
    public string? Ours(string kind) => Contestants(kind).FirstOrDefault(name => name.StartsWith("ours", StringComparison.Ordinal));

    /// <summary>The contestant of llama.cpp's that targets speak of.</summary>
    public string? Peer(string kind) => Contestants(kind).FirstOrDefault(name => name.StartsWith("llama.cpp", StringComparison.Ordinal));

    /// <summary>Loads of a shape: conversations of a step, or tokens of a prompt.</summary>
    public IReadOnlyList<int> Loads(string kind, string? shape = null) =>
        [.. samples.Where(sample => sample.Kind == kind && (shape is null || sample.Shape == shape)).Select(Load).Distinct().Order()];

    /// <summary>All settings that were tried at a load, the best first.</summary>
    public IReadOnlyList<Measured> Tried(string kind, string shape, int load, string contestant) =>
        [
            .. samples
                .Where(sample => sample.Kind == kind && sample.Shape == shape && Load(sample) == load && sample.Contestant == contestant)
                .GroupBy(sample => (Setting: sample.Setting!, Threads: sample.Threads!.Value))
                .Select(group => new Measured(
                    contestant,
                    group.Key.Setting,
                    group.Key.Threads,
                    [.. group.SelectMany(sample => sample.Ms!).Order()]
                ))
                .OrderBy(measured => measured.Median),
        ];

    /// <summary>A contestant at its best setting; null when it was not measured.</summary>
    public Measured? Best(string kind, string shape, int load, string? contestant) =>
        contestant is null ? null : Tried(kind, shape, load, contestant).FirstOrDefault();

    /// <summary>Shapes whose steps were watched beside a build.</summary>
    public IReadOnlyList<string> BusyShapes =>
        [.. samples.Where(sample => sample.Kind == Kinds.Busy).Select(sample => sample.Shape!).Distinct()];

    /// <summary>Bytes that a step must read.</summary>
    public double StepBytes(string shape, int conversations, string contestant) =>
        samples
            .First(sample =>
                sample.Kind == Kinds.StepBytes
                && sample.Shape == shape
                && sample.Contestant == contestant
                && sample.Conversations == conversations
            )
            .Bytes!.Value;

    /// <summary>How the reading loop reads, and the size of the large buffer, which was read beside every load: what stands for the machine's memory.</summary>
    public (string Loop, double Bytes) Memory =>
        samples
            .Where(sample => sample.Kind == Kinds.Read)
            .GroupBy(sample => (sample.Setting!, sample.Bytes!.Value))
            .MaxBy(group => group.Count())!
            .Key;

    /// <summary>Sizes of buffers that were read beside a shape's steps.</summary>
    public IReadOnlyList<double> ReadSizes(string shape) =>
        [
            .. samples
                .Where(sample => sample.Kind == Kinds.Read && sample.Shape == shape)
                .Select(sample => sample.Bytes!.Value)
                .Distinct()
                .Order(),
        ];

    /// <summary>The read bandwidth, GB/s, of a buffer's size: the median pass; null when it was not read.</summary>
    public double? Bandwidth(string shape, int threads, double bytes)
    {
        double[] passes =
        [
            .. samples
                .Where(sample => sample.Kind == Kinds.Read && sample.Shape == shape && sample.Threads == threads && sample.Bytes == bytes)
                .SelectMany(sample => sample.Ms!)
                .Order(),
        ];
        return passes.Length == 0 ? null : bytes / 1e6 / Median(passes);
    }

    /// <summary>The least cosine between a contestant's logits and those of the first one.</summary>
    public double Agreement(string shape, string contestant) =>
        samples
            .Where(sample => sample.Kind == Kinds.Agreement && sample.Shape == shape && sample.Contestant == contestant)
            .Min(sample => sample.Cosine!.Value);

    /// <summary>The host's part: its line, and the medians of the engine alone and of the host, tokens per second; null when it was not measured.</summary>
    public (Sample Line, double Alone, double Served)? Served
    {
        get
        {
            Sample? line = samples.FirstOrDefault(sample => sample.Kind == Kinds.Served);
            return line is null ? null : (line, MedianRate(Kinds.Alone), MedianRate(Kinds.Served));

            double MedianRate(string kind) =>
                Median([.. samples.Where(sample => sample.Kind == kind).Select(sample => sample.Rate!.Value).Order()]);
        }
    }

    /// <summary>The middle of ascending numbers.</summary>
    public static double Median(IReadOnlyList<double> ascending) => ascending[ascending.Count / 2];

    private static int Load(Sample sample) => sample.Tokens ?? sample.Conversations ?? 0;
}
