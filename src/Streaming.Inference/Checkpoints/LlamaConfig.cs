using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Reads <c>config.json</c> of a Llama. Defaults are those of Hugging Face's LlamaConfig; every field that would change the
/// arithmetic in a way the decoder does not know is refused by name, never passed over.
/// </summary>
internal static class LlamaConfig
{
    private const string Remedy = "use a checkpoint without it";

    public static ModelConfig Read(ConfigReader config)
    {
        RefuseWhatChangesTheArithmetic(config);
        int hidden = config.Int("hidden_size"), heads = config.Int("num_attention_heads");
        int keyValueHeads = config.Int("num_key_value_heads", heads);
        if (heads % keyValueHeads != 0)
            throw config.Wrong("num_key_value_heads", $"a divisor of num_attention_heads ({heads})");
        if (!config.Has("head_dim") && hidden % heads != 0)
            throw config.Wrong("hidden_size", $"a multiple of num_attention_heads ({heads}) where head_dim is not given");
        int headDim = config.Int("head_dim", hidden / heads);
        if (headDim % 2 != 0)
            throw config.Wrong("head_dim", "even, because RoPE rotates pairs");
        return new ModelConfig
        {
            Layers = config.Int("num_hidden_layers"),
            HiddenSize = hidden,
            IntermediateSize = config.Int("intermediate_size"),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            VocabularySize = config.Int("vocab_size"),
            ContextLength = config.Int("max_position_embeddings"),
            RopeTheta = RopeTheta(config),
            NormEpsilon = Positive(config, "rms_norm_eps", 1e-6),
            TiedHead = config.Bool("tie_word_embeddings", whenAbsent: false),
        };
    }

    /// <summary>RoPE's base; older files state it at the top, newer ones in <c>rope_parameters</c>.</summary>
    private static double RopeTheta(ConfigReader config)
    {
        ConfigReader? parameters = config.SectionIfPresent("rope_parameters");
        if (parameters is not null && parameters.Has("rope_theta"))
            return Positive(parameters, "rope_theta", 10_000);
        return Positive(config, "rope_theta", 10_000);
    }

    private static double Positive(ConfigReader config, string field, double whenAbsent)
    {
        double value = config.Double(field, whenAbsent);
        return value > 0 ? value : throw config.Wrong(field, "greater than 0");
    }

    private static void RefuseWhatChangesTheArithmetic(ConfigReader config)
    {
        if (config.TextIfPresent("hidden_act") is not (null or "silu" or "swish"))
            throw config.Unsupported("hidden_act", "use a checkpoint with \"silu\"");
        foreach (string bias in new[] { "attention_bias", "mlp_bias" })
        {
            if (config.Bool(bias, whenAbsent: false))
                throw config.Unsupported(bias, Remedy);
        }
        if (config.Has("quantization_config"))
            throw config.Unsupported("quantization_config", "use the checkpoint's unquantized files");
        if (config.Has("sliding_window") && config.Bool("use_sliding_window", whenAbsent: true))
            throw config.Unsupported("sliding_window", Remedy);
        if (config.Has("layer_types") && config.Texts("layer_types").Any(t => t != "full_attention"))
            throw config.Unsupported("layer_types", "use a checkpoint whose layers are all \"full_attention\"");
        if (config.Double("partial_rotary_factor", 1) != 1)
            throw config.Unsupported("partial_rotary_factor", Remedy);
        RefuseScaledRope(config, "rope_scaling");
        RefuseScaledRope(config, "rope_parameters");
    }

    private static void RefuseScaledRope(ConfigReader config, string field)
    {
        if (config.Find(field) is not JsonElement element)
            return;
        if (element.ValueKind != JsonValueKind.Object)
            throw config.Wrong(field, "an object");
        ConfigReader rope = config.Section(field);
        string type = rope.TextIfPresent("rope_type") ?? rope.TextIfPresent("type") ?? (field == "rope_parameters" ? "default" : "unnamed");
        if (type != "default" || rope.Double("partial_rotary_factor", 1) != 1)
            throw config.Unsupported(field, "use a checkpoint with unscaled RoPE");
    }
}
