using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>Reads a model's weights by Hugging Face's names, fuses them, and converts them to a type and a device.</summary>
internal sealed class WeightLoader(ModelConfig config, IWeightSource source, DType type, torch.Device device, IKernels kernels, int threads)
    : IDisposable
{
    private readonly torch.ScalarType _activations = DTypes.Activations(type);
    private readonly bool _hasIntegerCache = kernels.CacheType == torch.ScalarType.Int8;
    private readonly MatrixLoader _matrices = new(kernels, DTypes.Activations(type), threads);

    /// <summary>Reads all weights. If it throws, it has released those it had read.</summary>
    /// <exception cref="InputException">A tensor is missing, has another shape, or contains a number that is not finite.</exception>
    public DecoderWeights Load()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor embedding = ReadMatrix(config.HiddenSize, MatrixForm.Plain, (TensorNames.Embedding, config.VocabularySize)).Rows;
        var layers = new LayerWeights[config.Layers];
        for (int layer = 0; layer < layers.Length; layer++)
            layers[layer] = LoadLayer(TensorNames.OfLayer(layer));
        torch.Tensor norm = ReadPlain(TensorNames.Norm, config.HiddenSize);
        var weights = new DecoderWeights(embedding, layers, norm, LoadHead(embedding));
        foreach (torch.Tensor tensor in weights.Tensors)
            tensor.DetachFromDisposeScope();
        return weights;
    }

    /// <summary>The error for a NaN or an infinity, which would make every token's probability NaN.</summary>
    /// <param name="tensor">The tensor's <see cref="IStoredMatrix.Description"/>.</param>
    /// <param name="place">The place in it.</param>
    public static InputException NotFinite(string tensor, string place) =>
        new($"{tensor} contains NaN or infinity in {place}: copy the file again from its source, or use another checkpoint.");

    public void Dispose() => _matrices.Dispose();

    private LayerWeights LoadLayer(string prefix)
    {
        int queries = config.Heads * config.HeadDim,
            keys = config.KeyValueHeads * config.HeadDim,
            inner = config.IntermediateSize;
        (string, long)[] queryKeyValue = config.FusedProjections
            ? [(prefix + TensorNames.QueryKeyValue, queries + 2 * keys)]
            : [(prefix + TensorNames.Query, queries), (prefix + TensorNames.Key, keys), (prefix + TensorNames.Value, keys)];
        (string, long)[] gateUp = config.FusedProjections
            ? [(prefix + TensorNames.GateUp, 2 * inner)]
            : [(prefix + TensorNames.Gate, inner), (prefix + TensorNames.Up, inner)];
        Weight projection = ReadFused(config.HiddenSize, config.QueryKeyValueBias, queryKeyValue);
        return new LayerWeights(
            ReadPlain(prefix + TensorNames.AttentionNorm, config.HiddenSize),
            projection,
            _hasIntegerCache && projection.Bias is { } bias ? TakeOut(bias, queries, keys) : null,
            config.QueryKeyNorm ? LoadHeadNorm(prefix) : null,
            ReadFused(queries, config.OutputBias, (prefix + TensorNames.Output, config.HiddenSize)),
            ReadPlain(prefix + TensorNames.FeedForwardNorm, config.HiddenSize),
            ReadFused(config.HiddenSize, false, gateUp),
            ReadFused(inner, false, (prefix + TensorNames.Down, config.HiddenSize))
        );
    }

    /// <summary>
    /// Takes the biases of keys and values out of those of all projections [queries + 2 · keys], unless a norm of keys follows them.
    /// </summary>
    private KeyValueBias TakeOut(torch.Tensor biases, long queries, long keys)
    {
        using torch.Tensor ofKeys = biases.narrow(0, queries, keys),
            ofValues = biases.narrow(0, queries + keys, keys);
        var bias = new KeyValueBias(config.QueryKeyNorm ? null : ofKeys.clone(), ofValues.clone());
        if (bias.Keys is not null)
            ofKeys.zero_();
        ofValues.zero_();
        return bias;
    }

    /// <summary>The query norm for each query head, then the key norm for each key head, [heads + kv_heads, head_dim].</summary>
    private torch.Tensor LoadHeadNorm(string prefix)
    {
        using torch.Tensor query = ReadPlain(prefix + TensorNames.QueryNorm, config.HeadDim);
        using torch.Tensor key = ReadPlain(prefix + TensorNames.KeyNorm, config.HeadDim);
        return torch.cat([query.expand(config.Heads, -1), key.expand(config.KeyValueHeads, -1)], 0);
    }

    private Weight LoadHead(torch.Tensor embedding) =>
        (config.TiedHead, type) switch
        {
            (false, _) => ReadFused(config.HiddenSize, false, (TensorNames.Head, config.VocabularySize)),
            (true, DType.Int8 or DType.Int4) => ReadFused(config.HiddenSize, false, (TensorNames.Embedding, config.VocabularySize)),
            (true, _) => new Weight(embedding, null),
        };

    private torch.Tensor ReadPlain(string name, long length) => ReadPlain(name, length, _activations);

    private torch.Tensor ReadPlain(string name, long length, torch.ScalarType form)
    {
        using torch.Tensor stored = source.Read(name, length);
        int index = WeightConversion.IndexOfNotFinite(stored.bytes, stored.dtype);
        if (index >= 0)
            throw NotFinite(source.Describe(name), $"element {index}");
        return stored.to(form, device, copy: true).contiguous();
    }

    /// <summary>Reads matrices [out_i, columns] as one, [sum of out_i, columns], with their biases [out_i] if any.</summary>
    private Weight ReadFused(long columns, bool biased, params ReadOnlySpan<(string Name, long Rows)> parts)
    {
        MatrixForm form = type switch
        {
            DType.Int8 => MatrixForm.Int8,
            DType.Int4 when parts[0].Name is TensorNames.Head or TensorNames.Embedding => MatrixForm.Int8, // logits need 8 bits
            DType.Int4 => MatrixForm.Int4,
            _ => MatrixForm.Plain,
        };
        Weight weight = ReadMatrix(columns, form, parts);
        return biased ? weight with { Bias = ReadBias(parts) } : weight;
    }

    private Weight ReadMatrix(long columns, MatrixForm form, params ReadOnlySpan<(string Name, long Rows)> parts)
    {
        var stored = new List<(IStoredMatrix Matrix, long Rows)>(parts.Length);
        try
        {
            foreach ((string name, long rows) in parts)
                stored.Add((source.Open(name, rows, columns), rows));
            Weight weight = _matrices.Load(stored, columns, form);
            return device.type == DeviceType.CPU
                ? weight
                : weight with
                {
                    Rows = Moved(weight.Rows),
                    Scales = weight.Scales is { } scales ? Moved(scales) : null,
                };
        }
        finally
        {
            foreach ((IStoredMatrix matrix, _) in stored)
                matrix.Dispose();
        }

        torch.Tensor Moved(torch.Tensor tensor)
        {
            using torch.Tensor here = tensor;
            return here.to(device);
        }
    }

    private torch.Tensor ReadBias(ReadOnlySpan<(string Name, long Rows)> parts)
    {
        var read = new torch.Tensor[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            read[i] = ReadPlain(
                TensorNames.BiasOf(parts[i].Name),
                parts[i].Rows,
                _hasIntegerCache ? torch.ScalarType.Float32 : _activations // a bias may be large, and float32 costs nothing here
            );
        return torch.cat(read, 0);
    }
}
