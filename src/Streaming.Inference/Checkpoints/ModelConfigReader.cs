using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Reads <c>config.json</c> of any family. A field that would change the arithmetic in an unsupported way is refused by name, never
/// ignored.
/// </summary>
internal static class ModelConfigReader
{
    private const string Remedy = "use a checkpoint without it";

    /// <summary>Fields of mixtures of experts in several families.</summary>
    private static readonly string[] Experts = ["num_local_experts", "num_experts", "n_routed_experts", "moe_intermediate_size"];

    /// <summary>Fields that announce quantised files, by several tools.</summary>
    private static readonly string[] Quantisations = ["quantization_config", "compression_config", "quantization"];

    /// <summary>Fields of variants that multiply, cap or skip values; the supported families have none of them.</summary>
    private static readonly string[] ForeignArithmetic =
    [
        "embedding_multiplier",
        "attention_multiplier",
        "residual_multiplier",
        "logits_scaling",
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "no_rope_layers",
        "clip_qkv",
        "attention_chunk_size",
    ];

    public static ModelConfig Read(ConfigReader config, Family family)
    {
        int hidden = config.Int("hidden_size"),
            heads = config.Int("num_attention_heads");
        // A null means as many as query heads; only an absent field has the family's default.
        bool givesKeyValueHeads = config.Names.Contains("num_key_value_heads");
        int keyValueHeads = config.Int("num_key_value_heads", givesKeyValueHeads ? heads : family.KeyValueHeads ?? heads);
        if (heads % keyValueHeads != 0)
            throw config.Wrong("num_key_value_heads", $"a divisor of num_attention_heads ({heads})");
        bool givesHeadDim = config.Has("head_dim") || family.HeadDim is not null;
        if (!givesHeadDim && hidden % heads != 0)
            throw config.Wrong("hidden_size", $"a multiple of num_attention_heads ({heads}) where head_dim is not given");
        int headDim = config.Int("head_dim", family.HeadDim ?? hidden / heads);
        if (headDim % 2 != 0)
            throw config.Wrong("head_dim", "even, because RoPE rotates pairs");
        RefuseWhatChangesTheArithmetic(config, family, headDim);
        int trained = config.Int("max_position_embeddings");
        RopeScaling? scaling = RopeScalingReader.Read(config, headDim, trained);
        bool attentionBias = family.ReadsAttentionBias && config.Bool("attention_bias", whenAbsent: false);
        return new ModelConfig
        {
            Layers = config.Int("num_hidden_layers"),
            HiddenSize = hidden,
            IntermediateSize = config.Int("intermediate_size"),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            VocabularySize = config.Int("vocab_size"),
            ContextLength = scaling?.ContextLength(trained) ?? trained,
            SlidingWindow = SlidingWindow(config, family),
            RopeTheta = RopeScalingReader.Theta(config),
            RopeScaling = scaling,
            NormEpsilon = Positive(config, "rms_norm_eps", family.NormEpsilon),
            TiedHead = config.Bool("tie_word_embeddings", whenAbsent: false),
            QueryKeyValueBias = family.QueryKeyValueBias || attentionBias,
            OutputBias = attentionBias,
            QueryKeyNorm = family.QueryKeyNorm,
            FusedProjections = family.FusedProjections,
        };
    }

    internal static double Positive(ConfigReader config, string field, double? whenAbsent = null)
    {
        double value = config.Double(field, whenAbsent);
        return value > 0 ? value : throw config.Wrong(field, "greater than 0");
    }

    /// <summary>
    /// The sliding window of any layer, or null. A null in the file means none; <c>layer_types</c>, if present, says which layers have
    /// one.
    /// </summary>
    private static int? SlidingWindow(ConfigReader config, Family family)
    {
        string[] layers = config.Texts("layer_types");
        if (layers.Any(type => type is not ("full_attention" or "sliding_attention")))
            throw config.Unsupported("layer_types", "use a checkpoint whose layers are all \"full_attention\" or \"sliding_attention\"");
        bool slides =
            layers.Length > 0 ? layers.Contains("sliding_attention") : config.Bool("use_sliding_window", whenAbsent: family.SlidesUnasked);
        if (!slides)
            return null;
        if (config.Names.Contains("sliding_window"))
            return config.Has("sliding_window") ? config.Int("sliding_window") : null;
        return family.SlidingWindow ?? (layers.Length > 0 ? throw config.Missing("sliding_window") : null);
    }

    private static void RefuseWhatChangesTheArithmetic(ConfigReader config, Family family, int headDim)
    {
        if (config.TextIfPresent("hidden_act") is not (null or "silu" or "swish"))
            throw config.Unsupported("hidden_act", "use a checkpoint with \"silu\"");
        if (config.Bool("mlp_bias", whenAbsent: false))
            throw config.Unsupported("mlp_bias", Remedy);
        if (!family.ReadsAttentionBias && !family.QueryKeyValueBias && config.Bool("attention_bias", whenAbsent: false))
            throw config.Unsupported("attention_bias", Remedy);
        if (config.Bool("alibi", whenAbsent: false))
            throw config.Unsupported("alibi", "use a checkpoint with RoPE");
        if (config.Has("position_embedding_type") && config.Text("position_embedding_type") is not ("rope" or "rotary"))
            throw config.Unsupported("position_embedding_type", "use a checkpoint with RoPE");
        foreach (string field in Experts)
        {
            if (!ChangesNothing(config, field, headDim))
                throw config.Unsupported(field, "use a checkpoint without a mixture of experts");
        }
        foreach (string field in ForeignArithmetic)
        {
            if (!ChangesNothing(config, field, headDim))
                throw config.Unsupported(field, Remedy);
        }
        foreach (string field in Quantisations)
        {
            if (config.Has(field))
                throw config.Unsupported(field, "use the model's unquantized checkpoint");
        }
        if (config.Double("partial_rotary_factor", 1) != 1)
            throw config.Unsupported("partial_rotary_factor", Remedy);
    }

    /// <summary>Whether a field is absent or has the value with which its variant computes what the supported families do.</summary>
    private static bool ChangesNothing(ConfigReader config, string field, int headDim) =>
        (field, config.Find(field)) switch
        {
            (_, null) => true,
            ("embedding_multiplier" or "residual_multiplier" or "logits_scaling", { ValueKind: JsonValueKind.Number } number) =>
                number.GetDouble() == 1,
            ("attention_multiplier", { ValueKind: JsonValueKind.Number } number) => // in place of 1 / sqrt(head_dim)
            Math.Abs(number.GetDouble() * Math.Sqrt(headDim) - 1) < 1e-6,
            ("no_rope_layers", { ValueKind: JsonValueKind.Array } layers) => // 1 for a layer with RoPE, 0 for one without
            layers.EnumerateArray().All(layer => layer.ValueKind == JsonValueKind.Number && layer.GetDouble() == 1),
            (_, { ValueKind: JsonValueKind.Number } number) => Experts.Contains(field) && number.GetDouble() == 0,
            _ => false,
        };
}
