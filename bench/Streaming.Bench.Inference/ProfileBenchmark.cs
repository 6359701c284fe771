using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Tooling;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>
/// Where the time of a step goes: the time of each operation, the bytes that it reads and its multiplications. In turns with the steps
/// it measures how long reading these bytes alone takes (<see cref="MemoryReads"/>).
/// </summary>
internal sealed class ProfileBenchmark(Shape shape, DType type, int threads)
{
    private const int LeastSteps = 30;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2),
        Length = TimeSpan.FromSeconds(4);

    private readonly List<double> _steps = [], // milliseconds
        _waits = [], // of each step, the longest that a thread waited for a processor
        _inOneJob = [],
        _empty = [];
    private readonly List<Dictionary<string, double>> _reads = [];

    /// <summary>A table of the median step's operations.</summary>
    /// <param name="conversations">Conversations in a step.</param>
    /// <param name="rowsEach">Tokens of each.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    public string Run(int conversations, int rowsEach, CancellationToken cancellation)
    {
        torch.set_num_threads(threads);
        ProfiledKernels? profiled = null;
        using Decoder decoder = shape.Load(
            new DecoderOptions
            {
                DType = type,
                Slots = conversations,
                Threads = threads,
            },
            context => profiled = new ProfiledKernels(KernelFactory.Create(context), shape.Config)
        );
        FullCaches.Touch(decoder);
        var random = new Random(1);
        long position = FullCaches.Position(decoder);
        using var reads = new MemoryReads(threads);
        var wait = new SchedulerWait();
        bool managed = decoder.Kernels != KernelSet.Libtorch;
        profiled!.Reads = managed ? reads : null;
        Step();
        profiled.Reads = null;
        TakeTurns(WarmUp);
        profiled.Forget();
        foreach (List<double> times in (List<double>[])[_steps, _waits, _inOneJob, _empty])
            times.Clear();
        _reads.Clear();
        TakeTurns(Length);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {shape.Name}, {decoder.DType.ToString().ToLowerInvariant()}, {threads} threads, {conversations} conversations, {rowsEach}
            tokens each: {_steps.Median():0.00} ms, median of {_steps.Count} steps

            {Table([.. profiled.Parts], reads)}{(managed ? Reading() : "")}{(wait.IsKnown ? LongestSteps() : "")}
            """
        );

        void TakeTurns(TimeSpan length)
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started) < length || _steps.Count < LeastSteps)
            {
                cancellation.ThrowIfCancellationRequested();
                Step();
                if (!managed)
                    continue;
                _reads.Add(reads.ByOperation());
                _inOneJob.Add(reads.InOneJob());
                _empty.Add(reads.WithoutReading());
            }
        }

        void Step()
        {
            Segment[] segments = FullCaches.Segments(decoder, conversations, rowsEach, position, random);
            wait.LongestSinceLastCall();
            long from = Stopwatch.GetTimestamp();
            decoder.Forward(segments)?.Dispose();
            _steps.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
            _waits.Add(wait.LongestSinceLastCall());
            profiled!.EndStep();
            position += rowsEach;
        }
    }

    private string Table(StepPart[] parts, MemoryReads reads)
    {
        double whole = _steps.Median();
        return Markdown.Table(
            ["<operation", "jobs", "ms", "share", "MB read", "GB/s", "G multiply-adds/s", "reading alone, ms"],
            [
                .. parts.Select(part =>
                    Row(
                        part.Name,
                        reads.Jobs(part.Name),
                        part.Ms,
                        part.Bytes,
                        part.Products,
                        [.. _reads.Select(read => read.GetValueOrDefault(part.Name))]
                    )
                ),
                Row("rest", 0, whole - parts.Sum(p => p.Ms), 0, 0, []),
                Row(
                    "all",
                    parts.Sum(p => reads.Jobs(p.Name)),
                    whole,
                    parts.Sum(p => p.Bytes),
                    parts.Sum(p => p.Products),
                    [.. _reads.Select(read => read.Values.Sum())]
                ),
            ]
        );

        object?[] Row(string name, int jobs, double ms, double bytes, double products, double[] readAlone) =>
            [
                name,
                jobs == 0 ? null : jobs,
                ms,
                Markdown.Percent(ms / whole),
                OrNothing(bytes / 1e6),
                OrNothing(bytes / 1e6 / ms),
                OrNothing(products / 1e6 / ms),
                OrNothing(readAlone.Median()),
            ];

        static object? OrNothing(double value) => value == 0 ? null : value;
    }

    private string Reading() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"\nIn turns with the steps: reading in one job, with a share for each thread, {_inOneJob.Median():0.00} ms; "
                + $"the jobs without reading, {_empty.Median():0.00} ms.\n"
        );

    private string LongestSteps()
    {
        int longest = _steps.IndexOf(_steps.Max());
        int[] hundredth = [.. Enumerable.Range(0, _steps.Count).OrderByDescending(i => _steps[i]).Take(Math.Max(1, _steps.Count / 100))];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"\nThe longest step took {_steps[longest]:0.0} ms; one of its threads was ready and waited {_waits[longest]:0.0} ms for a "
                + $"processor. The longest 1 % of the steps took {hundredth.Average(i => _steps[i]):0.0} ms on average and waited "
                + $"{hundredth.Average(i => _waits[i]):0.0} ms.\n"
        );
    }
}
