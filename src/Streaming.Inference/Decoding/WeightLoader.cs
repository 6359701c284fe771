using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>Reads a model's weights by Hugging Face's names, fuses them, and brings them to a type and a device.</summary>
internal sealed class WeightLoader(ModelConfig config, IWeightSource source, DType type, torch.Device device, IKernels kernels)
{
    private readonly torch.ScalarType _activations = DTypes.Activations(type);

    /// <summary>Reads everything; what was read is released again when something is missing.</summary>
    /// <exception cref="InputException">A tensor is missing or has another shape.</exception>
    public DecoderWeights Load()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor embedding = ReadPlain(TensorNames.Embedding, config.VocabularySize, config.HiddenSize);
        var layers = new LayerWeights[config.Layers];
        for (int layer = 0; layer < layers.Length; layer++)
            layers[layer] = LoadLayer(TensorNames.OfLayer(layer));
        torch.Tensor norm = ReadPlain(TensorNames.Norm, config.HiddenSize);
        var weights = new DecoderWeights(embedding, layers, norm, LoadHead(embedding));
        foreach (torch.Tensor tensor in weights.Tensors)
            tensor.DetachFromDisposeScope();
        return weights;
    }

    private LayerWeights LoadLayer(string prefix)
    {
        int queries = config.Heads * config.HeadDim, keys = config.KeyValueHeads * config.HeadDim, inner = config.IntermediateSize;
        (string, long)[] queryKeyValue = config.FusedProjections
            ? [(prefix + TensorNames.QueryKeyValue, queries + 2 * keys)]
            : [(prefix + TensorNames.Query, queries), (prefix + TensorNames.Key, keys), (prefix + TensorNames.Value, keys)];
        (string, long)[] gateUp = config.FusedProjections
            ? [(prefix + TensorNames.GateUp, 2 * inner)]
            : [(prefix + TensorNames.Gate, inner), (prefix + TensorNames.Up, inner)];
        return new LayerWeights(
            ReadPlain(prefix + TensorNames.AttentionNorm, config.HiddenSize),
            ReadFused(config.HiddenSize, config.QueryKeyValueBias, queryKeyValue),
            config.QueryKeyNorm ? LoadHeadNorm(prefix) : null,
            ReadFused(queries, config.OutputBias, (prefix + TensorNames.Output, config.HiddenSize)),
            ReadPlain(prefix + TensorNames.FeedForwardNorm, config.HiddenSize),
            ReadFused(config.HiddenSize, false, gateUp),
            ReadFused(inner, false, (prefix + TensorNames.Down, config.HiddenSize)));
    }

    /// <summary>The query heads' norm for each of them, then the key heads', [heads + kv_heads, head_dim].</summary>
    private torch.Tensor LoadHeadNorm(string prefix)
    {
        using torch.Tensor query = ReadPlain(prefix + TensorNames.QueryNorm, config.HeadDim);
        using torch.Tensor key = ReadPlain(prefix + TensorNames.KeyNorm, config.HeadDim);
        return torch.cat([query.expand(config.Heads, -1), key.expand(config.KeyValueHeads, -1)], 0);
    }

    private Weight LoadHead(torch.Tensor embedding) => (config.TiedHead, type) switch
    {
        (false, _) => ReadFused(config.HiddenSize, false, (TensorNames.Head, config.VocabularySize)),
        (true, DType.Int8 or DType.Int4) => ReadFused(config.HiddenSize, false, (TensorNames.Embedding, config.VocabularySize)),
        (true, _) => new Weight(embedding, null),
    };

    private torch.Tensor ReadPlain(string name, params ReadOnlySpan<long> shape)
    {
        using torch.Tensor stored = source.Read(name, shape);
        return stored.to(_activations, device, copy: true).contiguous();
    }

    /// <summary>Matrices [out_i, columns] that read the same rows, as one [sum of out_i, columns], with their biases [out_i] if they have them.</summary>
    private Weight ReadFused(long columns, bool biased, params ReadOnlySpan<(string Name, long Rows)> parts)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        var read = new torch.Tensor[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            read[i] = source.Read(parts[i].Name, parts[i].Rows, columns);
        torch.Tensor fused = torch.cat(read, 0);
        Weight weight = kernels.Lay(type switch
        {
            DType.Int8 => Quantise(fused),
            DType.Int4 => parts[0].Name is TensorNames.Head or TensorNames.Embedding ? Quantise(fused) : QuantiseGroups(fused), // logits are worth 8 bits
            _ => new Weight(fused.to(_activations, device).contiguous(), null),
        });
        if (biased)
            weight = weight with { Bias = ReadBias(parts) };
        foreach (torch.Tensor tensor in weight.Tensors)
            tensor.MoveToOuterDisposeScope();
        return weight;
    }

    private torch.Tensor ReadBias(ReadOnlySpan<(string Name, long Rows)> parts)
    {
        var read = new torch.Tensor[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            read[i] = ReadPlain(TensorNames.BiasOf(parts[i].Name), parts[i].Rows);
        return torch.cat(read, 0);
    }

    /// <summary>Symmetric int8 with one scale a row: w = q · scale, |q| at most 127.</summary>
    private Weight Quantise(torch.Tensor stored)
    {
        torch.Tensor rows = stored.to(torch.ScalarType.Float32); // [out, in]
        torch.Tensor scales = rows.abs().amax([1]).div(Scalars.LargestInt8).clamp_min(Scalars.SmallestScale).to(torch.ScalarType.BFloat16); // [out]
        torch.Tensor quantised = (rows / scales.to(torch.ScalarType.Float32).unsqueeze(1)).round().clamp(Scalars.SmallestInt8, Scalars.LargestInt8);
        return new Weight(quantised.to(torch.ScalarType.Int8, device).contiguous(), scales.to(device));
    }

    /// <summary>
    /// 4 bits with one scale for each group of a row: w = q · scale, q from -8 to 7. The number that is farthest from zero becomes -8 (as in llama.cpp's Q4_0).
    /// </summary>
    private Weight QuantiseGroups(torch.Tensor stored)
    {
        torch.Tensor groups = stored.to(torch.ScalarType.Float32).reshape(stored.shape[0], -1, Managed.NibbleProduct.Group);      // [out, groups, 32]
        torch.Tensor farthest = groups.gather(2, groups.abs().argmax(2, keepdim: true));                                         // [out, groups, 1]
        torch.Tensor scales = farthest.div(Scalars.SmallestInt4).to(torch.ScalarType.BFloat16);
        torch.Tensor divisors = scales.to(torch.ScalarType.Float32);
        divisors = torch.where(divisors.abs().clamp_min(Scalars.SmallestScale).eq(divisors.abs()), divisors, torch.full_like(divisors, Scalars.One));
        torch.Tensor quantised = (groups / divisors).round().clamp(Scalars.SmallestInt4, Scalars.LargestInt4);
        return new Weight(quantised.to(torch.ScalarType.Int8, device).reshape(stored.shape).contiguous(), scales.squeeze(2).to(device).contiguous());
    }
}
