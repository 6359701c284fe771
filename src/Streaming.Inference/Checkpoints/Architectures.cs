namespace Streaming.Inference.Checkpoints;

/// <summary>The supported model families, by their names in <c>config.json</c>.</summary>
internal static class Architectures
{
    private static readonly Dictionary<string, Family> Families = new()
    {
        ["LlamaForCausalLM"] = new() { ReadsAttentionBias = true }, // also TinyLlama and SmolLM2
        ["MistralForCausalLM"] = new() { KeyValueHeads = 8, SlidingWindow = 4096 },
        ["Qwen2ForCausalLM"] = new()
        {
            KeyValueHeads = 32,
            QueryKeyValueBias = true,
            SlidesUnasked = false,
        },
        ["Qwen3ForCausalLM"] = new()
        {
            KeyValueHeads = 32,
            HeadDim = 128,
            QueryKeyNorm = true,
            ReadsAttentionBias = true,
            SlidesUnasked = false,
        },
        ["Phi3ForCausalLM"] = new() { NormEpsilon = 1e-5, FusedProjections = true },
    };

    /// <summary>Reads the config of any supported family.</summary>
    /// <exception cref="InputException">The family or the value of a field is not supported.</exception>
    public static ModelConfig Read(ConfigReader config)
    {
        string[] names = config.Texts("architectures");
        if (names.Length == 0)
            throw config.Missing("architectures");
        if (names.Length > 1 || !Families.TryGetValue(names[0], out Family? family))
            throw config.Unsupported("architectures", $"use a checkpoint of {string.Join(" or ", Families.Keys)}");
        return ModelConfigReader.Read(config, family);
    }
}
