namespace Streaming.Inference.Checkpoints;

/// <summary>Hugging Face's tensor names for the supported families.</summary>
internal static class TensorNames
{
    public const string Embedding = "model.embed_tokens.weight",
        Norm = "model.norm.weight",
        Head = "lm_head.weight";

    public const string AttentionNorm = "input_layernorm.weight",
        FeedForwardNorm = "post_attention_layernorm.weight";
    public const string Query = "self_attn.q_proj.weight",
        Key = "self_attn.k_proj.weight",
        Value = "self_attn.v_proj.weight";
    public const string QueryKeyValue = "self_attn.qkv_proj.weight",
        Output = "self_attn.o_proj.weight";
    public const string QueryNorm = "self_attn.q_norm.weight",
        KeyNorm = "self_attn.k_norm.weight";
    public const string Gate = "mlp.gate_proj.weight",
        Up = "mlp.up_proj.weight",
        GateUp = "mlp.gate_up_proj.weight",
        Down = "mlp.down_proj.weight";

    /// <summary>The prefix of a layer's names.</summary>
    public static string OfLayer(int layer) => $"model.layers.{layer}.";

    /// <summary>The name of a matrix's bias.</summary>
    public static string BiasOf(string weight) => weight[..^"weight".Length] + "bias";

    /// <summary>All names that a model may have. Includes a tied head, because some files repeat it.</summary>
    public static IEnumerable<string> Of(ModelConfig config)
    {
        string[] layer = [.. OfEachLayer(config)];
        return ((string[])[Embedding, Norm, Head]).Concat(
            Enumerable.Range(0, config.Layers).SelectMany(l => layer.Select(name => OfLayer(l) + name))
        );
    }

    /// <summary>Whether a tensor beyond <see cref="Of"/> may be ignored: stored RoPE angles, which the decoder computes itself.</summary>
    public static bool IsComputed(string name) => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static IEnumerable<string> OfEachLayer(ModelConfig config)
    {
        string[] projections = config.FusedProjections ? [QueryKeyValue] : [Query, Key, Value];
        string[] feedForward = config.FusedProjections ? [GateUp, Down] : [Gate, Up, Down];
        IEnumerable<string> names = [AttentionNorm, FeedForwardNorm, .. projections, Output, .. feedForward];
        if (config.QueryKeyValueBias)
            names = names.Concat(projections.Select(BiasOf));
        if (config.OutputBias)
            names = names.Append(BiasOf(Output));
        return config.QueryKeyNorm ? names.Append(QueryNorm).Append(KeyNorm) : names;
    }
}
