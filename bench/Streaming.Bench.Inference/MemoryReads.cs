using System.Diagnostics;
using System.Runtime.Intrinsics;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;
using Streaming.Inference.Threading;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>
/// Reads the bytes that a step reads, with a loop that does nothing else, so that a profile shows what limits the step. It reads them
/// three ways: in the step's own jobs and parts (the step takes longer by its instructions); in one job with a share for each thread
/// (separate jobs take longer by their starts and ends); and it runs the jobs without any reading.
/// </summary>
internal sealed unsafe class MemoryReads(int threads) : IParallelTask, IDisposable
{
    private const int Line = 512; // bytes; the loop's body reads eight vectors of 64

    private static long s_read;

    private readonly WorkerPool _pool = new(threads);
    private readonly List<(string Operation, Stretch[] Parts)> _jobs = [];
    private Stretch[][] _parts = []; // of the running job

    private readonly record struct Stretch(nint From, long Bytes);

    /// <summary>Jobs of an operation in a step.</summary>
    public int Jobs(string operation) => _jobs.Count(w => w.Operation == operation);

    /// <summary>Adds the weights of a matrix product, in the parts that the engine's threads share.</summary>
    public void Add(string operation, Weight weight)
    {
        int outs = TensorMemory.Length(weight.Rows, 0),
            width = (int)(weight.Rows.numel() / outs),
            each = ProductTask.WeightsPerPart(outs, width, threads);
        long rowBytes = width * weight.Rows.element_size();
        nint from = (nint)TensorMemory.AddressOf(weight.Rows);
        _jobs.Add(
            (
                operation,
                [
                    .. Enumerable
                        .Range(0, (outs + each - 1) / each)
                        .Select(p => new Stretch((nint)(from + p * each * rowBytes), Math.Min(each, outs - p * each) * rowBytes)),
                ]
            )
        );
    }

    /// <summary>
    /// Adds keys and values of conversations with full windows: a part for each conversation and key-value head, keys before values.
    /// </summary>
    public void Add(string operation, LayerCache cache, int conversations, int heads)
    {
        var parts = new List<Stretch>();
        foreach (torch.Tensor all in (torch.Tensor[])[cache.AllKeys, cache.AllValues])
        {
            long bytes = all.numel() * all.element_size() / all.shape[0] / heads;
            parts.AddRange(
                Enumerable
                    .Range(0, conversations * heads)
                    .Select(h => new Stretch((nint)TensorMemory.AddressOf(all) + (nint)(h * bytes), bytes))
            );
        }
        int count = conversations * heads;
        _jobs.Add((operation, [.. Enumerable.Range(0, 2 * count).Select(i => parts[i / 2 + i % 2 * count])]));
    }

    /// <summary>Milliseconds by operation of reading in the step's jobs and parts.</summary>
    public Dictionary<string, double> ByOperation() =>
        Timed(w => w.Operation == ProfiledKernels.Attention ? [.. w.Parts.Chunk(2)] : [.. w.Parts.Select(p => (Stretch[])[p])]);

    /// <summary>Milliseconds of the same jobs without reading.</summary>
    public double WithoutReading() =>
        Timed(w => [.. Enumerable.Repeat((Stretch[])[], w.Operation == ProfiledKernels.Attention ? w.Parts.Length / 2 : w.Parts.Length)])
            .Values.Sum();

    /// <summary>Milliseconds of reading in one job: each thread reads its share of every stretch.</summary>
    public double InOneJob()
    {
        _parts =
        [
            .. Enumerable
                .Range(0, threads)
                .Select(t =>
                    _jobs
                        .SelectMany(w => w.Parts)
                        .Select(p =>
                        {
                            long from = p.Bytes * t / threads / Line * Line,
                                to = t == threads - 1 ? p.Bytes : p.Bytes * (t + 1) / threads / Line * Line;
                            return new Stretch(p.From + (nint)from, to - from);
                        })
                        .ToArray()
                ),
        ];
        long begun = Stopwatch.GetTimestamp();
        _pool.Run(this, threads);
        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    public void Do(int part, int thread)
    {
        foreach (Stretch stretch in _parts[part])
            Read((byte*)stretch.From, stretch.Bytes);
    }

    public void Dispose() => _pool.Dispose();

    private Dictionary<string, double> Timed(Func<(string Operation, Stretch[] Parts), Stretch[][]> partsOf)
    {
        Stretch[][][] jobs = [.. _jobs.Select(partsOf)];
        var times = new Dictionary<string, double>();
        for (int w = 0; w < jobs.Length; w++)
        {
            _parts = jobs[w];
            long begun = Stopwatch.GetTimestamp();
            _pool.Run(this, _parts.Length);
            times[_jobs[w].Operation] = times.GetValueOrDefault(_jobs[w].Operation) + Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }
        return times;
    }

    /// <summary>Reads whole lines. The stored result keeps the compiler from removing the reads.</summary>
    private static void Read(byte* from, long bytes)
    {
        Vector512<long> a = default,
            b = default,
            c = default,
            d = default;
        for (byte* at = from, end = from + bytes / Line * Line; at < end; at += Line)
        {
            a ^= Vector512.Load((long*)at) ^ Vector512.Load((long*)(at + 256));
            b ^= Vector512.Load((long*)(at + 64)) ^ Vector512.Load((long*)(at + 320));
            c ^= Vector512.Load((long*)(at + 128)) ^ Vector512.Load((long*)(at + 384));
            d ^= Vector512.Load((long*)(at + 192)) ^ Vector512.Load((long*)(at + 448));
        }
        Volatile.Write(ref s_read, Vector512.Sum(a ^ b ^ c ^ d));
    }
}
