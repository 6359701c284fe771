using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>Reads a Llama's weights by Hugging Face's names, fuses them, and brings them to a type and a device.</summary>
internal sealed class WeightLoader(ModelConfig config, IWeightSource source, DType type, torch.Device device)
{
    private readonly torch.ScalarType _activations = DTypes.Activations(type);

    /// <summary>Reads everything; what was read is released again when something is missing.</summary>
    /// <exception cref="InputException">A tensor is missing or has another shape.</exception>
    public DecoderWeights Load()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor embedding = ReadPlain("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        var layers = new LayerWeights[config.Layers];
        for (int layer = 0; layer < layers.Length; layer++)
            layers[layer] = LoadLayer($"model.layers.{layer}.");
        torch.Tensor norm = ReadPlain("model.norm.weight", config.HiddenSize);
        var weights = new DecoderWeights(embedding, layers, norm, LoadHead(embedding));
        foreach (torch.Tensor tensor in weights.Tensors)
            tensor.DetachFromDisposeScope();
        return weights;
    }

    private LayerWeights LoadLayer(string prefix)
    {
        int queries = config.Heads * config.HeadDim, keys = config.KeyValueHeads * config.HeadDim;
        return new LayerWeights(
            ReadPlain(prefix + "input_layernorm.weight", config.HiddenSize),
            ReadFused(config.HiddenSize, (prefix + "self_attn.q_proj.weight", queries), (prefix + "self_attn.k_proj.weight", keys), (prefix + "self_attn.v_proj.weight", keys)),
            ReadFused(queries, (prefix + "self_attn.o_proj.weight", config.HiddenSize)),
            ReadPlain(prefix + "post_attention_layernorm.weight", config.HiddenSize),
            ReadFused(config.HiddenSize, (prefix + "mlp.gate_proj.weight", config.IntermediateSize), (prefix + "mlp.up_proj.weight", config.IntermediateSize)),
            ReadFused(config.IntermediateSize, (prefix + "mlp.down_proj.weight", config.HiddenSize)));
    }

    private Weight LoadHead(torch.Tensor embedding) => (config.TiedHead, type) switch
    {
        (false, _) => ReadFused(config.HiddenSize, ("lm_head.weight", config.VocabularySize)),
        (true, DType.Int8) => ReadFused(config.HiddenSize, ("model.embed_tokens.weight", config.VocabularySize)),
        (true, _) => new Weight(embedding, null),
    };

    private torch.Tensor ReadPlain(string name, params ReadOnlySpan<long> shape)
    {
        using torch.Tensor stored = source.Read(name, shape);
        return stored.to(_activations, device, copy: true).contiguous();
    }

    /// <summary>Matrices [out_i, columns] that read the same rows, as one [sum of out_i, columns].</summary>
    private Weight ReadFused(long columns, params ReadOnlySpan<(string Name, long Rows)> parts)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        var read = new torch.Tensor[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            read[i] = source.Read(parts[i].Name, parts[i].Rows, columns);
        torch.Tensor fused = torch.cat(read, 0);
        Weight weight = type == DType.Int8 ? Quantise(fused) : new Weight(fused.to(_activations, device).contiguous(), null);
        foreach (torch.Tensor tensor in weight.Tensors)
            tensor.MoveToOuterDisposeScope();
        return weight;
    }

    /// <summary>Symmetric int8 with one scale a row: w = q · scale, |q| at most 127.</summary>
    private Weight Quantise(torch.Tensor stored)
    {
        torch.Tensor rows = stored.to(torch.ScalarType.Float32); // [out, in]
        torch.Tensor scales = rows.abs().amax([1]).div(Scalars.LargestInt8).clamp_min(Scalars.SmallestScale).to(torch.ScalarType.BFloat16); // [out]
        torch.Tensor quantised = (rows / scales.to(torch.ScalarType.Float32).unsqueeze(1)).round().clamp(Scalars.SmallestInt8, Scalars.LargestInt8);
        return new Weight(quantised.to(torch.ScalarType.Int8, device).contiguous(), scales.to(device));
    }
}
