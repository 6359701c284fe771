using System.Diagnostics;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Tooling;

namespace Streaming.Bench.Inference;

/// <summary>How long a checkpoint of a known shape takes to load, and how much memory during and after it.</summary>
internal static class LoadBenchmark
{
    private const double MiB = 1 << 20;

    /// <summary>
    /// Loads the checkpoint once; returns a table with one row. Start the program anew for each row: a load that can reuse memory of an
    /// earlier one takes less time.
    /// </summary>
    /// <param name="shape">The checkpoint's shape.</param>
    /// <param name="folder">Its folder, which is written if it is absent; null for a temporary one that stays.</param>
    /// <param name="type">The type to load it with.</param>
    /// <param name="threads">Threads of an operation.</param>
    public static string Run(Shape shape, string? folder, DType type, int threads)
    {
        folder ??= Path.Combine(Path.GetTempPath(), $"streaming-load-{shape.Name}");
        ShapeCheckpoint.WriteOnce(folder, shape.Config);
        using var checkpoint = Checkpoint.Open(folder);
        ResidentMemory.BeginPeak();
        long before = Environment.WorkingSet,
            started = Stopwatch.GetTimestamp();
        using var decoder = Decoder.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new DecoderOptions
            {
                DType = type,
                Threads = threads,
                Capacity = Shape.Layout.Places,
            }
        );
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        long after = Environment.WorkingSet,
            peak = ResidentMemory.Peak();
        double file = new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
        return Markdown.Table(
            ["<model", "<type", "threads", "file, MiB", "seconds", "resident before, MiB", "peak", "after"],
            [
                [shape.Name, DTypes.NameOf(decoder.DType), threads, file / MiB, seconds, before / MiB, peak / MiB, after / MiB],
            ]
        );
    }
}
