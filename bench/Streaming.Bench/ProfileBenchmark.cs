using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>Where the time of a step goes: each operation's, beside the bytes that it reads and the multiplications that it does.</summary>
internal sealed class ProfileBenchmark(ModelConfig shape, DType type, int threads, CacheLayout layout)
{
    private const int Least = 30;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2), Length = TimeSpan.FromSeconds(4);

    /// <summary>Prints the operations of the median step of so many conversations, or of one with so many tokens of a prompt.</summary>
    public void Run(TextWriter output, string name, int conversations, int rowsEach, CancellationToken cancellation)
    {
        torch.set_num_threads(threads);
        ProfiledKernels? profiled = null;
        using Decoder decoder = Decoder.Load(
            shape, new ShapeWeights(seed: 1),
            new DecoderOptions { DType = type, Slots = conversations, Capacity = layout.Places, Threads = threads },
            context => profiled = new ProfiledKernels(KernelSets.Create(context), shape));
        FullCaches.Touch(decoder);
        var random = new Random(1);
        long position = FullCaches.Position(decoder);
        Steps(WarmUp, keep: false);
        List<double> all = Steps(Length, keep: true);

        double whole = all.Order().ElementAt(all.Count / 2);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}, {decoder.DType.ToString().ToLowerInvariant()}, {threads} threads, {conversations} conversations, {rowsEach} tokens each: {whole:0.00} ms, median of {all.Count} steps"));
        output.WriteLine();
        output.WriteLine("| operation | ms | share | MB read | GB/s | G multiply-adds/s |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|");
        StepPart[] parts = [.. profiled!.Parts];
        foreach (StepPart part in parts)
            Line(part.Name, part.Ms, part.Bytes, part.Products);
        Line("rest", whole - parts.Sum(p => p.Ms), 0, 0);
        Line("all", whole, parts.Sum(p => p.Bytes), parts.Sum(p => p.Products));

        void Line(string what, double ms, double bytes, double products) => output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {what} | {ms:0.00} | {100 * ms / whole:0} % | {Of(bytes / 1e6, "0.0")} | {Of(bytes / 1e6 / ms, "0.0")} | {Of(products / 1e6 / ms, "0")} |"));

        static string Of(double value, string format) => value == 0 ? "" : value.ToString(format, CultureInfo.InvariantCulture);

        List<double> Steps(TimeSpan length, bool keep)
        {
            var times = new List<double>();
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started) < length || times.Count < Least)
            {
                cancellation.ThrowIfCancellationRequested();
                Segment[] segments = FullCaches.Segments(decoder, conversations, rowsEach, position, random);
                long from = Stopwatch.GetTimestamp();
                decoder.Forward(segments)?.Dispose();
                times.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
                profiled!.EndStep(keep);
                position += rowsEach;
            }
            return times;
        }
    }
}
