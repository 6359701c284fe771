namespace Streaming.Inference.Checkpoints;

/// <summary>The families of models that the decoder knows, by the name in <c>config.json</c>.</summary>
internal static class Architectures
{
    private static readonly Dictionary<string, Func<ConfigReader, ModelConfig>> Readers = new()
    {
        ["LlamaForCausalLM"] = LlamaConfig.Read,
    };

    /// <summary>Reads a config of any known family.</summary>
    /// <exception cref="InputException">The family is unknown, or a field asks for what the decoder does not do.</exception>
    public static ModelConfig Read(ConfigReader config)
    {
        string[] names = config.Texts("architectures");
        if (names.Length == 0)
            throw config.Missing("architectures");
        if (names.Length > 1 || !Readers.TryGetValue(names[0], out Func<ConfigReader, ModelConfig>? read))
            throw config.Unsupported("architectures", $"use a checkpoint of {string.Join(" or ", Readers.Keys)}");
        return read(config);
    }
}
