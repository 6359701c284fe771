using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Bench;

/// <summary>
/// What a snapshot costs and saves: its size; for how long copying it out holds the device up; writing it to a synced file and reading it;
/// and coming back with it (one token to feed) beside coming back from the log alone, L(W-1)+1 tokens. Random weights: the times do
/// not depend on them.
/// </summary>
internal sealed class SnapshotBenchmark(ModelConfig shape, DType type, int threads, CacheLayout layout)
{
    private const int Rounds = 5,
        From = 0,
        To = 1;

    /// <summary>Prints the table's head.</summary>
    public static void Head(TextWriter output)
    {
        output.WriteLine(
            "| model | type | cache | size, MiB | holds the device, ms | written, ms | read, ms | back with it, ms | back without it, ms |"
        );
        output.WriteLine("|---|---|---|---:|---:|---:|---:|---:|---:|");
    }

    /// <summary>Prints a line: medians of five rounds, except the last column, which is one.</summary>
    public async Task RunAsync(TextWriter output, string name, CancellationToken cancellation)
    {
        Decoder decoder = Decoder.Load(
            shape,
            new ShapeWeights(seed: 1),
            new DecoderOptions
            {
                DType = type,
                Slots = 2,
                Capacity = layout.Places,
                Threads = threads,
            }
        );
        await using var device = new Batcher(decoder, new WithoutText(), []);
        int rebuild = device.RebuildLength(layout.Window);
        DecodeJob beginning = Work(From, 0, rebuild, reset: true);
        double without = await FirstTokenAsync(device, beginning, cancellation);

        string path = Path.GetTempFileName();
        var captured = new List<double>();
        var written = new List<double>();
        var read = new List<double>();
        var back = new List<double>();
        long length = 0;
        try
        {
            for (int round = 0; round <= Rounds; round++)
            {
                long clock = Stopwatch.GetTimestamp();
                using ISlotSnapshot snapshot =
                    await device.CaptureAsync(From, cancellation) ?? throw new InvalidOperationException("There is nothing in the slot.");
                Add(captured, round, clock);
                length = snapshot.Length;

                clock = Stopwatch.GetTimestamp();
                await using (FileStream file = File.Create(path))
                {
                    await snapshot.WriteAsync(file, cancellation);
                    await file.FlushAsync(cancellation);
                    file.Flush(flushToDisk: true);
                }
                Add(written, round, clock);

                clock = Stopwatch.GetTimestamp();
                await using FileStream stored = File.OpenRead(path);
                using ISlotSnapshot again = await device.ReadSnapshotAsync(stored, cancellation);
                Add(read, round, clock);
                DecodeJob goesOn = Work(To, again.Position, 1, reset: false) with { Snapshot = again };
                double first = await FirstTokenAsync(device, goesOn, cancellation);
                if (round > 0)
                    back.Add(read[^1] + first);
            }
        }
        finally
        {
            File.Delete(path);
        }
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {decoder.DType.ToString().ToLowerInvariant()} | {layout.Fixed}+{layout.Window} | {length / 1048576.0:0.00} | {Median(captured):0.0} | {Median(written):0.0} | {Median(read):0.0} | {Median(back):0.0} | {without:0} |"
            )
        );
    }

    private static void Add(List<double> times, int round, long clock)
    {
        if (round > 0) // The first one warms up.
            times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
    }

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }

    /// <summary>Milliseconds from asking to the work's only token.</summary>
    private static async Task<double> FirstTokenAsync(IDecodeDevice device, DecodeJob work, CancellationToken cancellation)
    {
        long clock = Stopwatch.GetTimestamp();
        double first = 0;
        await foreach (DecodeOutput output in device.DecodeAsync(work, cancellation))
        {
            if (output is TokenSampled)
                first = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        }
        return first;
    }

    private DecodeJob Work(int slot, long position, int tokens, bool reset)
    {
        var random = new Random(1);
        int[] ids = [.. Enumerable.Range(0, tokens).Select(_ => random.Next(shape.VocabularySize))];
        return new DecodeJob
        {
            Slot = slot,
            Layout = layout,
            Reset = reset,
            Input = [new TokenRun(position, ids)],
            StreamHash = StreamHash.Empty.Append(ids),
            Sampling = new SamplingParameters { MaxTokens = 1 },
        };
    }

    /// <summary>Tokens of random weights say nothing.</summary>
    private sealed class WithoutText : IVocabulary
    {
        public ReadOnlyMemory<byte> BytesOf(int id) => default;
    }
}
