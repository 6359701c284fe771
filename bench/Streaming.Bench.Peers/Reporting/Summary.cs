using Streaming.Bench.Peers.Records;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>A backend at one setting and load.</summary>
/// <param name="Backend">The backend.</param>
/// <param name="Setting">Its setting.</param>
/// <param name="Threads">Threads of its computations.</param>
/// <param name="Ms">All its steps or prompts, ascending, milliseconds.</param>
internal sealed record Measured(string Backend, string Setting, int Threads, IReadOnlyList<double> Ms)
{
    /// <summary>The median, milliseconds.</summary>
    public double Median => Ms[Ms.Count / 2];

    /// <summary>The longest divided by the median.</summary>
    public double LongestOverMedian => Ms[^1] / Median;

    /// <summary>Tokens per second if each step or prompt takes the median.</summary>
    public double Rate(int tokens) => 1000 * tokens / Median;
}

/// <summary>Statistics of the samples of a run.</summary>
internal sealed class Summary(IReadOnlyList<Sample> samples)
{
    /// <summary>Where the samples come from.</summary>
    public RunFacts Run { get; } = samples.First(sample => sample.Kind == Kinds.Run).Run!;

    /// <summary>Shapes that were measured.</summary>
    public IReadOnlyList<string> Shapes { get; } =
    [.. samples.Where(sample => sample.Kind == Kinds.Decode).Select(sample => sample.Shape!).Distinct()];

    /// <summary>Backends in the order of the samples: llama.cpp's types, then ours, then ours in deterministic mode.</summary>
    public IReadOnlyList<string> Backends(string kind, string? shape = null) =>
        [
            .. samples
                .Where(sample => sample.Kind == kind && (shape is null || sample.Shape == shape))
                .Select(sample => sample.Backend!)
                .Distinct(),
        ];

    /// <summary>Our backend that the targets are about.</summary>
    public string? Ours(string kind) => Backends(kind).FirstOrDefault(name => name.StartsWith("ours", StringComparison.Ordinal));

    /// <summary>llama.cpp's backend that the targets are about.</summary>
    public string? Peer(string kind) => Backends(kind).FirstOrDefault(name => name.StartsWith("llama.cpp", StringComparison.Ordinal));

    /// <summary>Loads of a shape: numbers of conversations in a step, or of tokens of a prompt.</summary>
    public IReadOnlyList<int> Loads(string kind, string? shape = null) =>
        [.. samples.Where(sample => sample.Kind == kind && (shape is null || sample.Shape == shape)).Select(Load).Distinct().Order()];

    /// <summary>All settings that were measured at a load, the best first.</summary>
    public IReadOnlyList<Measured> Tried(string kind, string shape, int load, string backend) =>
        [
            .. samples
                .Where(sample => sample.Kind == kind && sample.Shape == shape && Load(sample) == load && sample.Backend == backend)
                .GroupBy(sample => (Setting: sample.Setting!, Threads: sample.Threads!.Value))
                .Select(group => new Measured(
                    backend,
                    group.Key.Setting,
                    group.Key.Threads,
                    [.. group.SelectMany(sample => sample.Ms!).Order()]
                ))
                .OrderBy(measured => measured.Median),
        ];

    /// <summary>A backend at its best setting; null if it was not measured.</summary>
    public Measured? Best(string kind, string shape, int load, string? backend) =>
        backend is not null && Tried(kind, shape, load, backend) is [Measured best, ..] ? best : null;

    /// <summary>Shapes that were measured beside a build.</summary>
    public IReadOnlyList<string> BusyShapes =>
        [.. samples.Where(sample => sample.Kind == Kinds.Busy).Select(sample => sample.Shape!).Distinct()];

    /// <summary>Bytes that a step must read.</summary>
    public double StepBytes(string shape, int conversations, string backend) =>
        samples
            .First(sample =>
                sample.Kind == Kinds.StepBytes
                && sample.Shape == shape
                && sample.Backend == backend
                && sample.Conversations == conversations
            )
            .Bytes!.Value;

    /// <summary>How the reading loop reads, and the size of its large buffer, which was read at every load.</summary>
    public (string Loop, double Bytes) Memory =>
        samples
            .Where(sample => sample.Kind == Kinds.Read)
            .GroupBy(sample => (sample.Setting!, sample.Bytes!.Value))
            .MaxBy(group => group.Count())!
            .Key;

    /// <summary>Sizes of the buffers that were read with a shape.</summary>
    public IReadOnlyList<double> ReadSizes(string shape) =>
        [
            .. samples
                .Where(sample => sample.Kind == Kinds.Read && sample.Shape == shape)
                .Select(sample => sample.Bytes!.Value)
                .Distinct()
                .Order(),
        ];

    /// <summary>The read bandwidth in GB/s for a buffer's size, from the median pass; null if it was not read.</summary>
    public double? Bandwidth(string shape, int threads, double bytes)
    {
        double[] passes =
        [
            .. samples
                .Where(sample => sample.Kind == Kinds.Read && sample.Shape == shape && sample.Threads == threads && sample.Bytes == bytes)
                .SelectMany(sample => sample.Ms!),
        ];
        return passes.Length == 0 ? null : bytes / 1e6 / passes.Median();
    }

    /// <summary>The least cosine between a backend's logits and those of the first backend.</summary>
    public double Agreement(string shape, string backend) =>
        samples
            .Where(sample => sample.Kind == Kinds.Agreement && sample.Shape == shape && sample.Backend == backend)
            .Min(sample => sample.Cosine!.Value);

    /// <summary>
    /// The host's part: a sample, and the medians of the engine alone and of the host in tokens per second; null if it was not measured.
    /// </summary>
    public (Sample Line, double Alone, double Served)? Served
    {
        get
        {
            Sample? line = samples.FirstOrDefault(sample => sample.Kind == Kinds.Served);
            return line is null ? null : (line, MedianRate(Kinds.Alone), MedianRate(Kinds.Served));

            double MedianRate(string kind) =>
                Statistics.Median([.. samples.Where(sample => sample.Kind == kind).Select(sample => sample.Rate!.Value)]);
        }
    }

    private static int Load(Sample sample) => sample.Tokens ?? sample.Conversations ?? 0;
}
