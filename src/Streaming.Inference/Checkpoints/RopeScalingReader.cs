using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Reads RoPE's base and scaling from <c>rope_scaling</c>, or from <c>rope_parameters</c> in newer files. The scaling's kind is
/// <c>rope_type</c>, or <c>type</c> in older files. As in Hugging Face's library, a base inside a section counts before one outside.
/// </summary>
internal static class RopeScalingReader
{
    private const string Newer = "rope_parameters",
        Older = "rope_scaling",
        Base = "rope_theta",
        PartOfHead = "partial_rotary_factor",
        OriginalContext = "original_max_position_embeddings";

    /// <summary>RoPE's base; older files have it at the top level.</summary>
    public static double Theta(ConfigReader config)
    {
        foreach (string section in (string[])[Newer, Older])
        {
            if (config.SectionIfPresent(section) is { } rope && rope.Has(Base))
                return ModelConfigReader.Positive(rope, Base);
        }
        return ModelConfigReader.Positive(config, Base, 10_000);
    }

    /// <summary>The scaling; null for none.</summary>
    /// <param name="config">The file.</param>
    /// <param name="headDim">Width of a head.</param>
    /// <param name="context">Its <c>max_position_embeddings</c>.</param>
    public static RopeScaling? Read(ConfigReader config, int headDim, int context)
    {
        RopeScaling? older = Read(config, Older, headDim, context);
        RopeScaling? newer = Read(config, Newer, headDim, context);
        return newer ?? older;
    }

    private static RopeScaling? Read(ConfigReader config, string field, int headDim, int context)
    {
        if (config.SectionIfPresent(field) is not { } rope)
            return null;
        if (rope.Names.FirstOrDefault(name => rope.Find(name) is { ValueKind: JsonValueKind.Object }) is string layers)
            throw rope.Unsupported(layers, "use a checkpoint whose layers share one RoPE");
        if (rope.Double(PartOfHead, 1) != 1)
            throw rope.Unsupported(PartOfHead, "use a checkpoint without it");
        switch (Type(rope))
        {
            case "default":
                return null;
            case "linear":
                return new LinearRope(Factor(rope));
            case "llama3":
                return Llama3(rope);
            case "yarn":
                return Yarn(config, rope, context);
            case "longrope":
                return Long(config, rope, headDim, context);
            default:
                throw config.Unsupported(field, "use a checkpoint whose RoPE is unscaled or scaled by linear, llama3, yarn or longrope");
        }
    }

    /// <summary>The scaling's kind; null if the section has parameters of a scaling and does not say of which.</summary>
    private static string? Type(ConfigReader rope)
    {
        string? type = Named("type"),
            ropeType = Named("rope_type");
        if (type is not null && ropeType is not null && type != ropeType)
            throw rope.Wrong("type", $"the same as rope_type (\"{ropeType}\")");
        bool isScaled = rope.Names.Any(name => name is not (Base or PartOfHead) && rope.Has(name));
        return ropeType ?? type ?? (isScaled ? null : "default");

        // Phi-3's first files name longrope su.
        string? Named(string field) =>
            rope.TextIfPresent(field) switch
            {
                "su" => "longrope",
                { } name => name,
                null => null,
            };
    }

    private static double Factor(ConfigReader rope)
    {
        double factor = rope.Double("factor");
        return factor >= 1 ? factor : throw rope.Wrong("factor", "at least 1");
    }

    private static Llama3Rope Llama3(ConfigReader rope)
    {
        double low = ModelConfigReader.Positive(rope, "low_freq_factor"),
            high = ModelConfigReader.Positive(rope, "high_freq_factor");
        return high > low
            ? new Llama3Rope(Factor(rope), low, high, rope.Int(OriginalContext))
            : throw rope.Wrong("high_freq_factor", $"greater than low_freq_factor ({low})");
    }

    private static YarnRope Yarn(ConfigReader config, ConfigReader rope, int context)
    {
        if (rope.Find("truncate") is { ValueKind: JsonValueKind.False })
            throw rope.Unsupported("truncate", "use a checkpoint with true, or without it");
        double factor = Factor(rope);
        double fast = ModelConfigReader.Positive(rope, "beta_fast", 32),
            slow = ModelConfigReader.Positive(rope, "beta_slow", 1);
        if (fast < slow)
            throw rope.Wrong("beta_fast", $"at least beta_slow ({slow})");
        // By default: DeepSeek's two scales by Hugging Face's rule, else the paper's value (Peng et al. 2023, section 3.4).
        double attention =
            rope.Has("mscale") && rope.Has("mscale_all_dim")
                ? YarnRope.AttentionScale(factor, rope.Double("mscale")) / YarnRope.AttentionScale(factor, rope.Double("mscale_all_dim"))
                : YarnRope.AttentionScale(factor, 1);
        return new YarnRope(
            factor,
            Original(config, rope, context),
            fast,
            slow,
            ModelConfigReader.Positive(rope, "attention_factor", attention)
        );
    }

    private static LongRope Long(ConfigReader config, ConfigReader rope, int headDim, int context)
    {
        int original = Original(config, rope, context);
        double factor = rope.Has(OriginalContext) || config.Has(OriginalContext) ? (double)context / original : rope.Double("factor", 1);
        double attention = factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original));
        return new LongRope(
            Factors(rope, "short_factor", headDim / 2),
            Factors(rope, "long_factor", headDim / 2),
            original,
            ModelConfigReader.Positive(rope, "attention_factor", attention)
        );
    }

    /// <summary>The context before scaling; Phi-3 has it at the top level.</summary>
    private static int Original(ConfigReader config, ConfigReader rope, int context) =>
        rope.Int(OriginalContext, config.Int(OriginalContext, context));

    private static double[] Factors(ConfigReader rope, string field, int count)
    {
        double[] factors = [.. rope.List(field).Select(e => e.ValueKind == JsonValueKind.Number ? e.GetDouble() : double.NaN)];
        return factors.Length == count && factors.All(f => f > 0 && double.IsFinite(f))
            ? factors
            : throw rope.Wrong(field, $"a list of {count} numbers greater than 0, one per pair of a head's components");
    }
}
