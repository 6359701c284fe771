using System.Diagnostics;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Sampling;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;
using Streaming.Tooling;

namespace Streaming.Bench.Inference;

/// <summary>
/// What a snapshot costs and saves: its size; how long copying it blocks the device; the time to write it to a synced file and to read
/// it; and the time to the next token with it (one token is fed) and from the log alone (L(W-1)+1 tokens are fed).
/// </summary>
internal sealed class SnapshotBenchmark(Shape shape, DType type, int threads)
{
    private const int Rounds = 5,
        From = 0,
        To = 1;
    private const double MiB = 1 << 20;

    private static readonly string[] Columns =
    [
        "<model",
        "<type",
        "threads",
        "<cache",
        "size, MiB",
        "device held, ms",
        "written, ms",
        "read, ms",
        "resume with it, ms",
        "resume without it, ms",
    ];

    /// <summary>Measures shapes with types and puts the table, with its origin, into a document.</summary>
    public static async Task RunAsync(
        IReadOnlyList<Shape> shapes,
        IReadOnlyList<DType> types,
        int threads,
        string document,
        Provenance provenance,
        CancellationToken cancellation
    )
    {
        var rows = new List<object[]>();
        foreach (Shape shape in shapes)
        {
            foreach (DType type in types)
            {
                Console.Error.WriteLine($"{shape.Name}, {type} ...");
                rows.Add(await new SnapshotBenchmark(shape, type, threads).RowAsync(cancellation));
            }
        }
        string text = $"""
            Medians of {Rounds} rounds; the last column is one measurement. The weights are random.

            {Markdown.Table(Columns, rows)}
            {provenance.ToTable()}
            """.ReplaceLineEndings("\n");
        Console.WriteLine(text);
        ResultsPage.Replace(document, "measured by bench/Streaming.Bench.Inference", text);
    }

    private async Task<object[]> RowAsync(CancellationToken cancellation)
    {
        CacheLayout layout = Shape.Layout;
        Decoder decoder = shape.Load(
            new DecoderOptions
            {
                DType = type,
                Slots = 2,
                Threads = threads,
            }
        );
        await using var device = new Batcher(decoder, new NoVocabulary(), []);
        double without = await FirstTokenAsync(device, Job(From, 0, device.RebuildLength(layout.Window), reset: true), cancellation);

        string path = Path.GetTempFileName();
        (List<double>? copy, List<double>? write, List<double>? read, List<double>? next) = (
            new List<double>(),
            new List<double>(),
            new List<double>(),
            new List<double>()
        );
        long length = 0;
        try
        {
            for (int round = 0; round <= Rounds; round++)
            {
                long clock = Stopwatch.GetTimestamp();
                using ISlotSnapshot snapshot =
                    await device.CaptureAsync(From, cancellation) ?? throw new InvalidOperationException("The slot is empty.");
                copy.Add(Milliseconds(clock));
                length = snapshot.Length;

                clock = Stopwatch.GetTimestamp();
                await using (FileStream file = File.Create(path))
                {
                    await snapshot.WriteAsync(file, cancellation);
                    await file.FlushAsync(cancellation);
                    file.Flush(flushToDisk: true);
                }
                write.Add(Milliseconds(clock));

                clock = Stopwatch.GetTimestamp();
                await using FileStream stored = File.OpenRead(path);
                using ISlotSnapshot restored = await device.ReadSnapshotAsync(stored, cancellation);
                read.Add(Milliseconds(clock));
                DecodeJob resumed = Job(To, restored.Position, 1, reset: false) with { Snapshot = restored };
                next.Add(read[^1] + await FirstTokenAsync(device, resumed, cancellation));
                if (round == 0) // warms up
                    foreach (List<double> times in (List<double>[])[copy, write, read, next])
                        times.Clear();
            }
        }
        finally
        {
            File.Delete(path);
        }
        return
        [
            shape.Name,
            decoder.DType.ToString().ToLowerInvariant(),
            threads,
            $"{layout.Fixed}+{layout.Window}",
            length / MiB,
            copy.Median(),
            write.Median(),
            read.Median(),
            next.Median(),
            without,
        ];
    }

    private static double Milliseconds(long since) => Stopwatch.GetElapsedTime(since).TotalMilliseconds;

    /// <summary>Milliseconds from the request to the job's only token.</summary>
    private static async Task<double> FirstTokenAsync(Batcher device, DecodeJob job, CancellationToken cancellation)
    {
        long clock = Stopwatch.GetTimestamp();
        double first = 0;
        await foreach (DecodeOutput output in device.DecodeAsync(job, cancellation))
        {
            if (output is TokenSampled)
                first = Milliseconds(clock);
        }
        return first;
    }

    private DecodeJob Job(int slot, long position, int tokens, bool reset)
    {
        var random = new Random(1);
        int[] ids = [.. Enumerable.Range(0, tokens).Select(_ => random.Next(shape.Config.VocabularySize))];
        return new DecodeJob
        {
            Slot = slot,
            Layout = Shape.Layout,
            Reset = reset,
            Input = [new TokenRun(position, ids)],
            StreamHash = StreamHash.Empty.Append(ids),
            Sampling = new SamplingParameters { MaxTokens = 1 },
        };
    }

    /// <summary>Tokens without text: the weights are random.</summary>
    private sealed class NoVocabulary : IVocabulary
    {
        public ReadOnlyMemory<byte> BytesOf(int id) => default;
    }
}
