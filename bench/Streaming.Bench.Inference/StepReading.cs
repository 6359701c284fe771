using System.Diagnostics;
using System.Runtime.Intrinsics;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;
using Streaming.Inference.Threading;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>
/// What a step reads, read by a loop that does nothing else, so that a profile can say what limits the step: in the works and parts of the step
/// (what the step takes beyond that are its instructions), in one work in which each thread has its share (what the works take beyond that are their
/// beginnings and ends), and the works' meetings of threads without any reading.
/// </summary>
internal sealed unsafe class StepReading(int threads) : IParallelTask, IDisposable
{
    private const int Line = 512; // bytes; the loop's body reads eight vectors of 64

    private static long s_read;

    private readonly WorkerPool _pool = new(threads);
    private readonly List<(string Operation, Stretch[] Parts)> _works = [];
    private Stretch[][] _parts = []; // of the work under way

    private readonly record struct Stretch(nint From, long Bytes);

    /// <summary>Works of an operation in a step.</summary>
    public int Works(string operation) => _works.Count(w => w.Operation == operation);

    /// <summary>Adds a product's weights, in the parts in which the engine multiplies with them.</summary>
    public void Add(string operation, Weight weight)
    {
        int outs = TensorMemory.Length(weight.Rows, 0),
            width = (int)(weight.Rows.numel() / outs),
            each = ProductTask.WeightsPerPart(outs, width, threads);
        long rowBytes = width * weight.Rows.element_size();
        var from = (nint)TensorMemory.AddressOf(weight.Rows);
        _works.Add(
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

    /// <summary>Adds the keys and values of so many conversations with full windows, a part for each and key-value head; in each its values follow its keys.</summary>
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
        _works.Add((operation, [.. Enumerable.Range(0, 2 * count).Select(i => parts[i / 2 + i % 2 * count])]));
    }

    /// <summary>Milliseconds by operation: the reading alone, in the step's works and parts.</summary>
    public Dictionary<string, double> InWorks() =>
        Timed(w => w.Operation == ProfiledKernels.Attention ? [.. w.Parts.Chunk(2)] : [.. w.Parts.Select(p => (Stretch[])[p])]);

    /// <summary>Milliseconds of the same works with nothing to read.</summary>
    public double Meetings() =>
        Timed(w => [.. Enumerable.Repeat((Stretch[])[], w.Operation == ProfiledKernels.Attention ? w.Parts.Length / 2 : w.Parts.Length)])
            .Values.Sum();

    /// <summary>Milliseconds of the reading in one work: each thread its share of every stretch, one after the other.</summary>
    public double AtOnce()
    {
        _parts =
        [
            .. Enumerable
                .Range(0, threads)
                .Select(t =>
                    _works
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
        Stretch[][][] works = [.. _works.Select(partsOf)];
        var times = new Dictionary<string, double>();
        for (int w = 0; w < works.Length; w++)
        {
            _parts = works[w];
            long begun = Stopwatch.GetTimestamp();
            _pool.Run(this, _parts.Length);
            times[_works[w].Operation] = times.GetValueOrDefault(_works[w].Operation) + Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        }
        return times;
    }

    /// <summary>Reads; what is left of less than a line is not. The result keeps the reads from being left out.</summary>
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
