using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Memory;
using Streaming.Inference.Threading;
using TorchSharp;
using BFloat16 = Streaming.Inference.Memory.BFloat16;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// The operations in C#, on the memory of libtorch's CPU tensors. Activations are float32, in reused workspaces. A row's result depends
/// neither on other rows nor on threads.
/// </summary>
internal sealed unsafe class ManagedKernels : IKernels
{
    private readonly ModelConfig _config;
    private readonly DType _type;
    private readonly VectorKernels.Choice _kernels;
    private readonly WorkerPool _pool;
    private readonly NormaliseTask _normalise;
    private readonly NormaliseHeadsTask _normaliseHeads;
    private readonly QuantiseTask _quantise;
    private readonly ProductTask _product;
    private readonly GateTask _gate;
    private readonly AttentionTask _attention;
    private readonly Workspace _residual,
        _normed,
        _attended,
        _gated,
        _selected;
    private readonly Dictionary<int, Workspace> _projected = []; // by width
    private readonly NativeBuffer<short> _quantised = new();
    private readonly NativeBuffer<float> _rowScales = new(),
        _rowSums = new();
    private Batch? _batch; // of the step

    public ManagedKernels(KernelContext context, VectorKernels.Choice kernels)
    {
        _config = context.Config;
        _type = context.Type;
        _kernels = kernels;
        int threads = context.Threads,
            hidden = _config.HiddenSize;
        _attention = new AttentionTask(context, kernels.ForFloats(_config.HeadDim / 2), kernels.Integers);
        _normalise = new NormaliseTask { Kernels = kernels.ForFloats(hidden), Epsilon = _config.NormEpsilon };
        _normaliseHeads = new NormaliseHeadsTask { Kernels = kernels.ForFloats(_config.HeadDim), Epsilon = _config.NormEpsilon };
        _quantise = new QuantiseTask { Kernels = kernels.ForFloats(hidden) };
        _product = new ProductTask { Kernels = kernels.ForFloats(hidden), Nibbles = kernels.Nibbles };
        _gate = new GateTask { Kernels = kernels.ForFloats(_config.IntermediateSize) };
        _residual = new Workspace(hidden);
        _normed = new Workspace(hidden);
        _selected = new Workspace(hidden);
        _attended = new Workspace(_config.Heads * _config.HeadDim);
        _gated = new Workspace(_config.IntermediateSize);
        _pool = new WorkerPool(threads);
    }

    public torch.ScalarType CacheType => _type is DType.Int8 or DType.Int4 ? torch.ScalarType.Int8 : DTypes.Activations(_type);

    public void Pack(sbyte* rows, int count, int width, bool nibbles, sbyte* packed)
    {
        if (nibbles)
            _kernels.Nibbles.Pack(rows, width, count, (byte*)packed);
        else
            _kernels.ForShorts(width).Pack(rows, width, count, packed);
    }

    public void BeginStep(Batch batch)
    {
        _batch = batch;
        _attention.Begin(batch);
    }

    public torch.Tensor Embed(torch.Tensor embedding)
    {
        torch.Tensor residual = _residual.Take(_batch!.Rows);
        float* rows = (float*)TensorMemory.AddressOf(residual);
        void* source = TensorMemory.AddressOf(embedding);
        bool bfloat16 = embedding.dtype == torch.ScalarType.BFloat16;
        int width = _config.HiddenSize;
        foreach (int id in _batch.Ids)
        {
            if (bfloat16)
            {
                BFloat16* row = (BFloat16*)source + (long)id * width;
                for (int i = 0; i < width; i++)
                    rows[i] = row[i].ToSingle();
            }
            else
            {
                new ReadOnlySpan<float>((float*)source + (long)id * width, width).CopyTo(new Span<float>(rows, width));
            }
            rows += width;
        }
        return residual;
    }

    public torch.Tensor Normalise(torch.Tensor rows, torch.Tensor weight)
    {
        int count = TensorMemory.Length(rows, 0);
        torch.Tensor normed = _normed.Take(count);
        _normalise.Rows = (float*)TensorMemory.AddressOf(rows);
        _normalise.Count = count;
        _normalise.Width = _config.HiddenSize;
        _normalise.Weight = TensorMemory.AddressOf(weight);
        _normalise.IsBFloat16 = weight.dtype == torch.ScalarType.BFloat16;
        _normalise.Results = (float*)TensorMemory.AddressOf(normed);
        _normalise.Run(_pool);
        return normed;
    }

    public torch.Tensor Project(torch.Tensor rows, Weight weight)
    {
        int width = TensorMemory.Length(weight.Rows, 0);
        if (!_projected.TryGetValue(width, out Workspace? workspace))
            _projected.Add(width, workspace = new Workspace(width));
        torch.Tensor results = workspace.Take(TensorMemory.Length(rows, 0));
        if (weight.Bias is { } bias)
            BiasRows(bias, results, add: false);
        Multiply(rows, weight, results, add: weight.Bias is not null);
        return results;
    }

    public void AddProjected(torch.Tensor residual, torch.Tensor rows, Weight weight)
    {
        if (weight.Bias is { } bias)
            BiasRows(bias, residual, add: true);
        Multiply(rows, weight, residual, add: true);
    }

    public void NormaliseHeads(torch.Tensor queryKeyValue, torch.Tensor weights)
    {
        _normaliseHeads.Rows = (float*)TensorMemory.AddressOf(queryKeyValue);
        _normaliseHeads.Count = TensorMemory.Length(queryKeyValue, 0);
        _normaliseHeads.RowStride = TensorMemory.Length(queryKeyValue, 1);
        _normaliseHeads.Heads = _config.Heads + _config.KeyValueHeads;
        _normaliseHeads.Width = _config.HeadDim;
        _normaliseHeads.Weights = TensorMemory.AddressOf(weights);
        _normaliseHeads.IsBFloat16 = weights.dtype == torch.ScalarType.BFloat16;
        _normaliseHeads.Run(_pool);
    }

    public torch.Tensor Attend(torch.Tensor queryKeyValue, LayerCache cache, KeyValueBias? bias)
    {
        torch.Tensor attended = _attended.Take(_batch!.Rows);
        _attention.Projected = (float*)TensorMemory.AddressOf(queryKeyValue);
        _attention.Results = (float*)TensorMemory.AddressOf(attended);
        _attention.Cache = cache;
        _attention.Bias = bias;
        _attention.Run(_pool);
        return attended;
    }

    public torch.Tensor Gate(torch.Tensor gateUp)
    {
        int count = TensorMemory.Length(gateUp, 0);
        torch.Tensor gated = _gated.Take(count);
        _gate.Rows = (float*)TensorMemory.AddressOf(gateUp);
        _gate.Count = count;
        _gate.Width = _config.IntermediateSize;
        _gate.Results = (float*)TensorMemory.AddressOf(gated);
        _gate.Run(_pool);
        return gated;
    }

    public torch.Tensor SelectLogitRows(torch.Tensor residual)
    {
        int[] logitRows = _batch!.LogitRows;
        if (logitRows.Length == _batch.Rows)
            return residual;
        torch.Tensor selected = _selected.Take(logitRows.Length);
        int width = _config.HiddenSize;
        float* source = (float*)TensorMemory.AddressOf(residual);
        float* target = (float*)TensorMemory.AddressOf(selected);
        for (int i = 0; i < logitRows.Length; i++)
            new ReadOnlySpan<float>(source + (long)logitRows[i] * width, width).CopyTo(new Span<float>(target + (long)i * width, width));
        return selected;
    }

    public torch.Tensor Head(torch.Tensor rows, Weight head, torch.Tensor? results)
    {
        torch.Tensor logits =
            results ?? torch.empty([TensorMemory.Length(rows, 0), TensorMemory.Length(head.Rows, 0)], torch.ScalarType.Float32);
        Multiply(rows, head, logits, add: false);
        return logits;
    }

    public void Dispose()
    {
        _pool.Dispose();
        foreach (Workspace workspace in (Workspace[])[_residual, _normed, _attended, _gated, _selected, .. _projected.Values])
            workspace.Dispose();
        _attention.Dispose();
        _quantised.Dispose();
        _rowScales.Dispose();
        _rowSums.Dispose();
    }

    /// <summary>Writes a bias [width] to every row [N, width], or adds it.</summary>
    private static void BiasRows(torch.Tensor bias, torch.Tensor rows, bool add)
    {
        int count = TensorMemory.Length(rows, 0),
            width = TensorMemory.Length(rows, 1);
        bool bfloat16 = bias.dtype == torch.ScalarType.BFloat16;
        void* numbers = TensorMemory.AddressOf(bias);
        float* row = (float*)TensorMemory.AddressOf(rows);
        for (int r = 0; r < count; r++, row += width)
        {
            for (int i = 0; i < width; i++)
            {
                float number = bfloat16 ? ((BFloat16*)numbers)[i].ToSingle() : ((float*)numbers)[i];
                row[i] = add ? row[i] + number : number;
            }
        }
    }

    private void Multiply(torch.Tensor rows, Weight weight, torch.Tensor results, bool add)
    {
        int count = TensorMemory.Length(rows, 0),
            width = TensorMemory.Length(rows, 1);
        _product.Weights = TensorMemory.AddressOf(weight.Rows);
        _product.Scales = weight.Scales is { } scales ? (BFloat16*)TensorMemory.AddressOf(scales) : null;
        _product.HasNibbles = weight.HasNibbles;
        _product.IsBFloat16 = weight.Rows.dtype == torch.ScalarType.BFloat16;
        _product.Out = TensorMemory.Length(weight.Rows, 0);
        _product.Width = width;
        _product.Rows = (float*)TensorMemory.AddressOf(rows);
        _product.Count = count;
        _product.Results = (float*)TensorMemory.AddressOf(results);
        _product.Add = add;
        if (_product.Scales is null)
        {
            _product.Kernels = _kernels.ForFloats(width);
        }
        else
        {
            _quantise.Kernels = _kernels.ForFloats(width);
            _quantise.Rows = _product.Rows;
            _quantise.Count = count;
            _quantise.Width = width;
            int stored = weight.HasNibbles ? NibbleProduct.Padded(width) : width;
            _quantise.ResultWidth = stored;
            _quantise.Results = _quantised.Take((long)count * stored);
            _quantise.Scales = _rowScales.Take(count);
            _quantise.Run(_pool);
            if (weight.HasNibbles)
            {
                int groups = stored / NibbleProduct.Group;
                _product.RowSums = _rowSums.Take((long)count * groups);
                for (int r = 0; r < count; r++)
                    _kernels.Nibbles.SumGroups(_quantise.Results + (long)r * stored, stored, _product.RowSums + (long)r * groups);
            }
            _product.Kernels = _kernels.ForShorts(width);
            _product.Width = stored;
            _product.QuantisedRows = _quantise.Results;
            _product.RowScales = _quantise.Scales;
        }
        _product.Run(_pool);
    }
}
