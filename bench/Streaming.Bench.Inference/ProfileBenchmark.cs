using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>
/// Where the time of a step goes: each operation's, beside the bytes that it reads and the multiplications that it does; and, in turns with the steps, what
/// the reading alone takes (<see cref="StepReading"/>).
/// </summary>
internal sealed class ProfileBenchmark(ModelConfig shape, DType type, int threads, CacheLayout layout)
{
    private const int Least = 30;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2),
        Length = TimeSpan.FromSeconds(4);

    /// <summary>Prints the operations of the median step of so many conversations, or of one with so many tokens of a prompt.</summary>
    public void Run(TextWriter output, string name, int conversations, int rowsEach, CancellationToken cancellation)
    {
        torch.set_num_threads(threads);
        ProfiledKernels? profiled = null;
        using Decoder decoder = Decoder.Load(
            shape,
            new ShapeWeights(seed: 1),
            new DecoderOptions
            {
                DType = type,
                Slots = conversations,
                Capacity = layout.Places,
                Threads = threads,
            },
            context => profiled = new ProfiledKernels(KernelFactory.Create(context), shape)
        );
        FullCaches.Touch(decoder);
        var random = new Random(1);
        long position = FullCaches.Position(decoder);
        using var reading = new StepReading(threads);
        var wait = new SchedulerWait();
        var waits = new List<double>(); // of each step, the most that a thread waited for a processor
        bool managed = decoder.Kernels != KernelSet.Libtorch;
        profiled!.Reading = managed ? reading : null;
        Step();
        profiled.Reading = null;
        var (steps, atOnce, meetings) = (new List<double>(), new List<double>(), new List<double>());
        var inWorks = new List<Dictionary<string, double>>();
        Turns(WarmUp);
        profiled.Forget();
        foreach (List<double> times in (List<double>[])[steps, waits, atOnce, meetings])
            times.Clear();
        inWorks.Clear();
        Turns(Length);

        double whole = Median(steps);
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name}, {decoder.DType.ToString().ToLowerInvariant()}, {threads} threads, {conversations} conversations, {rowsEach} tokens each: {whole:0.00} ms, median of {steps.Count} steps"
            )
        );
        output.WriteLine();
        output.WriteLine("| operation | works | ms | share | MB read | GB/s | G multiply-adds/s | the reading alone, ms |");
        output.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
        StepPart[] parts = [.. profiled.Parts];
        foreach (StepPart part in parts)
            Line(
                part.Name,
                reading.Works(part.Name),
                part.Ms,
                part.Bytes,
                part.Products,
                Median([.. inWorks.Select(read => read.GetValueOrDefault(part.Name))])
            );
        Line("rest", 0, whole - parts.Sum(p => p.Ms), 0, 0, 0);
        Line(
            "all",
            parts.Sum(p => reading.Works(p.Name)),
            whole,
            parts.Sum(p => p.Bytes),
            parts.Sum(p => p.Products),
            Median([.. inWorks.Select(read => read.Values.Sum())])
        );
        if (managed)
        {
            output.WriteLine();
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"In turns with the steps: the reading in one work, each thread its share, {Median(atOnce):0.00} ms; the works' meetings without reading, {Median(meetings):0.00} ms."
                )
            );
        }

        int longest = steps.IndexOf(steps.Max());
        if (wait.IsKnown)
        {
            output.WriteLine();
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The longest step took {steps[longest]:0.0} ms, of which one of its threads was ready and waited for a processor {waits[longest]:0.0} ms; of the hundredth part of the steps that took longest {Longest(steps):0.0} ms, and {Longest(waits):0.0} ms so, on average."
                )
            );
        }

        double Longest(List<double> times) =>
            steps.Select((ms, i) => (ms, i)).OrderByDescending(s => s.ms).Take(Math.Max(1, steps.Count / 100)).Average(s => times[s.i]);

        void Line(string what, int works, double ms, double bytes, double products, double read) =>
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {what} | {Of(works, "0")} | {ms:0.00} | {100 * ms / whole:0} % | {Of(bytes / 1e6, "0.0")} | {Of(bytes / 1e6 / ms, "0.0")} | {Of(products / 1e6 / ms, "0")} | {Of(read, "0.00")} |"
                )
            );

        static string Of(double value, string format) => value == 0 ? "" : value.ToString(format, CultureInfo.InvariantCulture);

        void Turns(TimeSpan length)
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started) < length || steps.Count < Least)
            {
                cancellation.ThrowIfCancellationRequested();
                steps.Add(Step());
                if (!managed)
                    continue;
                inWorks.Add(reading.InWorks());
                atOnce.Add(reading.AtOnce());
                meetings.Add(reading.Meetings());
            }
        }

        double Step()
        {
            Segment[] segments = FullCaches.Segments(decoder, conversations, rowsEach, position, random);
            wait.Most();
            long from = Stopwatch.GetTimestamp();
            decoder.Forward(segments)?.Dispose();
            double ms = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
            waits.Add(wait.Most());
            profiled!.EndStep();
            position += rowsEach;
            return ms;
        }
    }

    private static double Median(IReadOnlyList<double> times) => times.Count == 0 ? 0 : times.Order().ElementAt(times.Count / 2);
}
