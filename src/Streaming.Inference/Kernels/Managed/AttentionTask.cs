using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Memory;
using Streaming.Inference.Threading;
using TorchSharp;
using BFloat16 = Streaming.Inference.Memory.BFloat16;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>The attention of a batch in one layer, in parts of one segment and one key-value head.</summary>
internal sealed unsafe class AttentionTask : IParallelTask, IDisposable
{
    private readonly ModelConfig _config;
    private readonly VectorKernels _kernels;
    private readonly IntegerAttention _integers;
    private readonly int _groups;
    private readonly int _scoreStride;
    private readonly NativeBuffer<float>[] _workspaces;
    private readonly RotaryFrequencies _frequencies;
    private readonly double _attentionFactor;
    private readonly Dictionary<double[], BiasAngles> _biasAngles = []; // by the frequencies
    private readonly NativeBuffer<float> _own = new(),
        _sinks = new();
    private float* _toOwn,
        _toSinks; // [N, D]: D / 2 cosines, then D / 2 sines
    private Batch? _batch;
    private int[] _firstRows = [];

    public AttentionTask(KernelContext context, VectorKernels kernels, IntegerAttention integers)
    {
        _config = context.Config;
        _kernels = kernels;
        _integers = integers;
        _groups = _config.Heads / _config.KeyValueHeads;
        _scoreStride = AttentionHead.Padded(context.Capacity);
        _workspaces = [.. Enumerable.Range(0, context.Threads).Select(_ => new NativeBuffer<float>())];
        _frequencies = new RotaryFrequencies(_config);
        _attentionFactor = _config.RopeScaling?.AttentionFactor ?? 1;
        if (_config.QueryKeyValueBias)
        {
            foreach (double[] frequencies in _frequencies.All)
                _biasAngles.Add(frequencies, new BiasAngles(frequencies, _attentionFactor, context.Capacity));
        }
    }

    /// <summary>Input: fused projections, [N, (heads + 2 kv_heads) · D].</summary>
    public float* Projected { get; set; }

    /// <summary>Output: attended values, [N, heads · D].</summary>
    public float* Results { get; set; }

    /// <summary>The layer's keys and values.</summary>
    public LayerCache? Cache { get; set; }

    /// <summary>Biases that the projections lack; null for none.</summary>
    public KeyValueBias? Bias { get; set; }

    /// <summary>Prepares what is the same in every layer.</summary>
    public void Begin(Batch batch)
    {
        _batch = batch;
        if (_firstRows.Length < batch.Segments.Count)
            _firstRows = new int[batch.Segments.Count];
        for (int s = 0, row = 0; s < batch.Segments.Count; s++)
        {
            _firstRows[s] = row;
            row += batch.Segments[s].Ids.Length;
        }
        long numbers = (long)batch.Rows * _config.HeadDim;
        _toOwn = Angles(batch, batch.Positions, _own.Take(numbers));
        _toSinks = Angles(batch, batch.SinkDistances, _sinks.Take(numbers));
    }

    /// <summary>Computes a layer's attention.</summary>
    public void Run(WorkerPool pool) => pool.Run(this, _batch!.Segments.Count * _config.KeyValueHeads);

    public void Do(int part, int thread)
    {
        part = _batch!.Segments.Count * _config.KeyValueHeads - 1 - part; // long inputs come last in the batch, so parts run in reverse
        (int s, int head) = Math.DivRem(part, _config.KeyValueHeads);
        Segment segment = _batch.Segments[s];
        int d = _config.HeadDim,
            first = _firstRows[s];
        int stride = (_config.Heads + 2 * _config.KeyValueHeads) * d;
        torch.ScalarType type = Cache!.Type;
        long firstPlace = ((long)segment.Slot * _config.KeyValueHeads + head) * Cache.Places;
        int bytes = type switch
        {
            torch.ScalarType.Int8 => sizeof(sbyte),
            torch.ScalarType.BFloat16 => sizeof(BFloat16),
            _ => sizeof(float),
        };
        var task = new AttentionHead
        {
            Projected = Projected + (long)first * stride,
            ProjectedStride = stride,
            QueryAt = head * _groups * d,
            KeyAt = (_config.Heads + head) * d,
            ValueAt = (_config.Heads + _config.KeyValueHeads + head) * d,
            Attended = Results + (long)first * _config.Heads * d + head * _groups * d,
            AttendedStride = _config.Heads * d,
            ToOwn = _toOwn + (long)first * d,
            ToSinks = _toSinks + (long)first * d,
            Keys = (byte*)TensorMemory.AddressOf(Cache.AllKeys) + firstPlace * d * bytes,
            Values = (byte*)TensorMemory.AddressOf(Cache.AllValues) + firstPlace * Cache.ValueWidth * bytes,
            KeyScales = ScalesOf(Cache.AllKeyScales, firstPlace),
            ValueScales = ScalesOf(Cache.AllValueScales, firstPlace),
            KeyBias = Bias?.Keys is { } keyBias ? (float*)TensorMemory.AddressOf(keyBias) + head * d : null,
            ValueBias = Bias is { } bias ? (float*)TensorMemory.AddressOf(bias.Values) + head * d : null,
            Groups = _groups,
            HeadDim = d,
            Workspace = _workspaces[thread]
                .Take(
                    Math.Max(
                        AttentionHead.WorkspaceSize(_groups, d, _scoreStride),
                        IntegerAttention.WorkspaceSize(_groups, d, _scoreStride)
                    )
                ),
            ScoreStride = _scoreStride,
        };
        if (type == torch.ScalarType.Int8)
            _integers.Run(segment, task, _kernels, Bias?.Keys is null ? null : _biasAngles[_frequencies.For(segment.Layout)]);
        else
            _kernels.Attend(segment, task, type == torch.ScalarType.BFloat16);
    }

    private static float* ScalesOf(torch.Tensor? scales, long firstPlace) =>
        scales is null ? null : (float*)TensorMemory.AddressOf(scales) + firstPlace;

    public void Dispose()
    {
        foreach (NativeBuffer<float> buffer in (NativeBuffer<float>[])[.. _workspaces, _own, _sinks])
            buffer.Dispose();
        foreach (BiasAngles angles in _biasAngles.Values)
            angles.Dispose();
    }

    /// <summary>Computes angles in float64, because positions grow to millions, and writes their cosines and sines.</summary>
    private float* Angles(Batch batch, long[] positions, float* angles)
    {
        int half = _config.HeadDim / 2,
            row = 0;
        for (int s = 0; s < batch.Segments.Count; s++)
        {
            double[] frequencies = _frequencies.For(batch.Segments[s].Layout);
            for (int end = row + batch.Segments[s].Ids.Length; row < end; row++)
            {
                float* ofRow = angles + 2 * (long)row * half;
                for (int i = 0; i < half; i++)
                {
                    (double sine, double cosine) = Math.SinCos(positions[row] * frequencies[i] % Math.Tau);
                    ofRow[i] = (float)(_attentionFactor * cosine);
                    ofRow[half + i] = (float)(_attentionFactor * sine);
                }
            }
        }
        return angles;
    }
}
