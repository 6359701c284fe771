using System.Diagnostics;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>Kernels that measure each operation of a step: its time, the bytes that it reads, its multiplications.</summary>
internal sealed class ProfiledKernels(IKernels inner, ModelConfig shape) : IKernels
{
    /// <summary>The attention's name among the operations.</summary>
    public const string Attention = "attention";

    private readonly Dictionary<string, StepPart> _parts = [];
    private Batch? _batch; // of the step

    /// <summary>If set, is told what the running step reads.</summary>
    public MemoryReads? Reads { get; set; }

    /// <summary>The operations, in the order in which they were first used.</summary>
    public IEnumerable<StepPart> Parts => _parts.Values;

    public torch.ScalarType CacheType => inner.CacheType;

    /// <summary>Ends a step.</summary>
    public void EndStep()
    {
        foreach (StepPart part in _parts.Values)
            part.EndStep();
    }

    /// <summary>Discards the steps measured so far.</summary>
    public void Forget() => _parts.Clear();

    public unsafe void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed) =>
        inner.Pack(rows, count, width, nibbles, packed);

    public void BeginStep(Batch batch)
    {
        _batch = batch;
        long from = Stopwatch.GetTimestamp();
        inner.BeginStep(batch);
        Take("embedding, norms, gate", from, 0, 0);
    }

    public torch.Tensor Embed(torch.Tensor embedding)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor rows = inner.Embed(embedding);
        Take("embedding, norms, gate", from, 0, 0);
        return rows;
    }

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor result = inner.Normalise(rows, weight);
        Take("embedding, norms, gate", from, 0, 0);
        return result;
    }

    public torch.Tensor Project(torch.Tensor rows, Weight weight)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor result = inner.Project(rows, weight);
        Take(weight.Rows.shape[0] == 2 * shape.IntermediateSize ? "gate and up" : "query, key, value", from, rows, weight);
        return result;
    }

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight)
    {
        long from = Stopwatch.GetTimestamp();
        inner.AddProjected(residual, rows, weight);
        Take(rows.shape[1] == shape.IntermediateSize ? "down" : "output", from, rows, weight);
    }

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights)
    {
        long from = Stopwatch.GetTimestamp();
        inner.NormaliseHeads(queryKeyValue, weights);
        Take("embedding, norms, gate", from, 0, 0);
    }

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor result = inner.Attend(queryKeyValue, cache, bias);
        IReadOnlyList<Segment> segments = _batch!.Segments;
        double vectors = 2.0 * segments.Sum(s => s.Layout.Places) * shape.KeyValueHeads;
        double bytes =
            vectors
            * (
                CacheType == torch.ScalarType.Int8
                    ? shape.HeadDim + sizeof(float)
                    : shape.HeadDim * (CacheType == torch.ScalarType.Float32 ? 4 : 2)
            );
        Reads?.Add(Attention, cache, segments.Count, shape.KeyValueHeads);
        Take(Attention, from, bytes, 2.0 * segments.Sum(s => (double)s.Layout.Places * s.Ids.Length) * shape.Heads * shape.HeadDim);
        return result;
    }

    public torch.Tensor Gate(torch.Tensor gateUp)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor result = inner.Gate(gateUp);
        Take("embedding, norms, gate", from, 0, 0);
        return result;
    }

    public torch.Tensor SelectLogitRows(torch.Tensor residual) => inner.SelectLogitRows(residual);

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results)
    {
        long from = Stopwatch.GetTimestamp();
        torch.Tensor logits = inner.Head(rows, head, results);
        Take("head", from, rows, head);
        return logits;
    }

    public void Dispose() => inner.Dispose();

    private void Take(string name, long from, torch.Tensor rows, Weight weight)
    {
        Take(name, from, BytesOf(weight), Products(rows, weight));
        Reads?.Add(name, weight);
    }

    private void Take(string name, long from, double bytes, double products)
    {
        double ms = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        if (!_parts.TryGetValue(name, out StepPart? part))
            _parts[name] = part = new StepPart(name);
        part.Take(ms, bytes, products);
    }

    private static double BytesOf(Weight weight) => weight.Tensors.Sum(t => (double)t.numel() * t.element_size());

    private static double Products(torch.Tensor rows, Weight weight) => (double)rows.numel() * weight.Rows.shape[0];
}

/// <summary>An operation of a step.</summary>
internal sealed class StepPart(string name)
{
    private readonly List<double> _steps = [];
    private double _ms,
        _bytes,
        _products;

    public string Name => name;

    /// <summary>Milliseconds of the operation in a step, median.</summary>
    public double Ms => _steps.Order().ElementAt(_steps.Count / 2);

    /// <summary>Bytes of weights and caches that a step reads.</summary>
    public double Bytes { get; private set; }

    /// <summary>Multiplications and additions of a step.</summary>
    public double Products { get; private set; }

    public void Take(double ms, double bytes, double products) =>
        (_ms, _bytes, _products) = (_ms + ms, _bytes + bytes, _products + products);

    public void EndStep()
    {
        _steps.Add(_ms);
        (Bytes, Products) = (_bytes, _products);
        (_ms, _bytes, _products) = (0, 0, 0);
    }
}
