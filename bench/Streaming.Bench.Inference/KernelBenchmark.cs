using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>
/// How much faster the managed kernels are than libtorch's: two decoders with the same random weights in one process take turns, so that
/// whatever else the machine does slows both. The times are the processor's, of the whole process: on a busy machine the clock says more about the
/// others. With more than one thread that is what all of them used, waiting included.
/// </summary>
internal sealed class KernelBenchmark(ModelConfig shape, DType type, int threads, CacheLayout layout, KernelSet kernels)
{
    private const int Rounds = 5,
        Slots = 16;
    private static readonly TimeSpan RoundLength = TimeSpan.FromMilliseconds(150);

    /// <summary>Prints a line for each load: median processor time of a step, and the ratio.</summary>
    public void Run(
        TextWriter output,
        string name,
        IReadOnlyList<int> conversations,
        IReadOnlyList<int> prompts,
        CancellationToken cancellation
    )
    {
        torch.set_num_threads(threads);
        using Decoder libtorch = Load(KernelSet.Libtorch),
            managed = Load(kernels);
        foreach (int count in conversations)
            Line($"{count} conversations", count, rowsEach: 1);
        foreach (int rows in prompts)
            Line($"{rows} tokens of a prompt", 1, rows);

        void Line(string load, int count, int rowsEach)
        {
            (double slow, double fast) = Compare(libtorch, managed, count, rowsEach, cancellation);
            double rate = 1000 * count * rowsEach / fast;
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {managed.DType.ToString().ToLowerInvariant()} | {threads} | {load} | {slow:0.00} | {fast:0.00} | {rate:0} | **{slow / fast:0.0}** |"
                )
            );
        }
    }

    /// <summary>The table's head.</summary>
    public static void Head(TextWriter output)
    {
        output.WriteLine("| model | type | threads | load | libtorch, CPU ms | managed, CPU ms | managed tokens per CPU second | ratio |");
        output.WriteLine("|---|---|---:|---|---:|---:|---:|---:|");
    }

    private static (double Slow, double Fast) Compare(
        Decoder libtorch,
        Decoder managed,
        int count,
        int rowsEach,
        CancellationToken cancellation
    )
    {
        var slow = new List<double>();
        var fast = new List<double>();
        for (int round = 0; round <= Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            List<double> slowRound = Steps(libtorch, count, rowsEach),
                fastRound = Steps(managed, count, rowsEach);
            if (round == 0)
                continue; // warms up
            slow.AddRange(slowRound);
            fast.AddRange(fastRound);
        }
        slow.Sort();
        fast.Sort();
        return (slow[slow.Count / 2], fast[fast.Count / 2]);
    }

    /// <summary>Milliseconds of each step in a round.</summary>
    private static List<double> Steps(Decoder decoder, int count, int rowsEach)
    {
        var times = new List<double>();
        var random = new Random(1);
        long position = FullCaches.Position(decoder);
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < RoundLength || times.Count < 2)
        {
            Segment[] segments = FullCaches.Segments(decoder, count, rowsEach, position, random);
            TimeSpan from = Environment.CpuUsage.TotalTime;
            decoder.Forward(segments)?.Dispose();
            times.Add((Environment.CpuUsage.TotalTime - from).TotalMilliseconds);
            position += rowsEach;
        }
        return times;
    }

    private Decoder Load(KernelSet set)
    {
        var decoder = Decoder.Load(
            shape,
            new ShapeWeights(seed: 1),
            new DecoderOptions
            {
                DType = type,
                Slots = Slots,
                Capacity = layout.Places,
                Kernels = set,
                Threads = threads,
            }
        );
        FullCaches.Touch(decoder);
        return decoder;
    }
}
