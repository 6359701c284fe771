using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Evaluation;

/// <summary>Shapes of known models, for measuring speed and memory with random weights.</summary>
public static class NamedShapes
{
    private static readonly Dictionary<string, ModelConfig> All = new(StringComparer.Ordinal)
    {
        ["smol135m"] = new()
        {
            Layers = 30,
            HiddenSize = 576,
            IntermediateSize = 1536,
            Heads = 9,
            KeyValueHeads = 3,
            HeadDim = 64,
            VocabularySize = 49152,
            ContextLength = 8192,
            RopeTheta = 100_000,
            TiedHead = true,
        },
        ["llama1b"] = new()
        {
            Layers = 16,
            HiddenSize = 2048,
            IntermediateSize = 8192,
            Heads = 32,
            KeyValueHeads = 8,
            HeadDim = 64,
            VocabularySize = 128256,
            ContextLength = 131072,
            RopeTheta = 500_000,
            TiedHead = true,
        },
    };

    /// <summary>Their names.</summary>
    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>A shape by its name.</summary>
    /// <exception cref="InputException">The name is unknown.</exception>
    public static ModelConfig Of(string name) =>
        All.TryGetValue(name, out ModelConfig? shape)
            ? shape
            : throw new InputException($"The shape '{name}' is unknown: take {string.Join(" or ", All.Keys)}.");
}
