using System.Diagnostics;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Tooling;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>
/// How much faster the managed kernels are than libtorch's. Two decoders with the same random weights take turns in one process, so
/// that other load on the machine slows both. Times are processor times of the process, because on a busy machine the clock measures
/// the other processes. With several threads they include the time that threads spin while they wait.
/// </summary>
internal sealed class KernelBenchmark(Shape shape, DType type, int threads, KernelSet kernels)
{
    private const int Rounds = 5,
        Slots = 16;
    private static readonly TimeSpan RoundLength = TimeSpan.FromMilliseconds(150);

    /// <summary>A table with a row for each load: median processor time of a step, and the ratio.</summary>
    /// <param name="conversations">Numbers of conversations in a step, each with one token.</param>
    /// <param name="prompts">Numbers of tokens of one prompt in a step.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    public string Run(IReadOnlyList<int> conversations, IReadOnlyList<int> prompts, CancellationToken cancellation)
    {
        torch.set_num_threads(threads);
        using Decoder libtorch = Load(KernelSet.Libtorch),
            managed = Load(kernels);
        return Markdown.Table(
            ["<model", "<type", "threads", "<load", "libtorch, CPU ms", "managed, CPU ms", "managed tokens per CPU second", "ratio"],
            [
                .. conversations.Select(count => Row($"{count} conversations", count, rowsEach: 1)),
                .. prompts.Select(rows => Row($"{rows} tokens of a prompt", 1, rows)),
            ]
        );

        object[] Row(string load, int count, int rowsEach)
        {
            (double slow, double fast) = Compare(libtorch, managed, count, rowsEach, cancellation);
            return
            [
                shape.Name,
                managed.DType.ToString().ToLowerInvariant(),
                threads,
                load,
                slow,
                fast,
                1000 * count * rowsEach / fast,
                slow / fast,
            ];
        }
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
        return (slow.Median(), fast.Median());
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
        Decoder decoder = shape.Load(
            new DecoderOptions
            {
                DType = type,
                Slots = Slots,
                Kernels = set,
                Threads = threads,
            }
        );
        FullCaches.Touch(decoder);
        return decoder;
    }
}
