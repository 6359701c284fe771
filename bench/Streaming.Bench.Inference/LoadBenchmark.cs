using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;

namespace Streaming.Bench;

/// <summary>How long a checkpoint of a known shape takes to load, and the memory it takes on the way and afterwards.</summary>
internal static class LoadBenchmark
{
    private const double MiB = 1 << 20;

    /// <summary>
    /// Loads the checkpoint, which is written before if it is not in its folder, and prints a line of a table. In a process of its own for each line: a
    /// load that finds memory of another one's takes less.
    /// </summary>
    public static void Run(TextWriter output, string name, ModelConfig shape, string folder, DType type, int threads)
    {
        ShapeCheckpoint.WriteOnce(folder, shape);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        ResidentMemory.BeginPeak();
        long before = Environment.WorkingSet,
            started = Stopwatch.GetTimestamp();
        using Decoder decoder = Decoder.Load(
            checkpoint.Config,
            checkpoint.Weights,
            new DecoderOptions
            {
                DType = type,
                Threads = threads,
                Capacity = 1024,
            }
        );
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        long after = Environment.WorkingSet,
            peak = ResidentMemory.Peak();
        output.WriteLine("| model | type | threads | file, MiB | seconds | resident before, MiB | peak | after |");
        output.WriteLine("|---|---|---:|---:|---:|---:|---:|---:|");
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {DTypes.NameOf(decoder.DType)} | {threads} | {new FileInfo(Path.Combine(folder, "model.safetensors")).Length / MiB:0} | {seconds:0.0} | {before / MiB:0} | {peak / MiB:0} | {after / MiB:0} |"
            )
        );
    }
}
