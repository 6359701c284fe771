using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Evaluation;

namespace Streaming.Bench.Peers;

/// <summary>The models that both sides compute, with the same random weights.</summary>
internal static class Shapes
{
    /// <summary>Seconds instead of minutes, to see that the program works.</summary>
    public const string Tiny = "tiny";

    private static readonly ModelConfig TinyConfig = new()
    {
        Layers = 2, HiddenSize = 128, IntermediateSize = 256, Heads = 4, KeyValueHeads = 2, HeadDim = 32,
        VocabularySize = 512, ContextLength = 1024, TiedHead = true,
    };

    /// <summary>A shape's numbers.</summary>
    /// <exception cref="InputException">There is none of that name.</exception>
    public static ModelConfig Of(string name) => name == Tiny ? TinyConfig : NamedShapes.Of(name);

    /// <summary>The same numbers for llama.cpp.</summary>
    public static GgufModel ForLlamaCpp(ModelConfig config) => new(
        "llama", config.VocabularySize, config.ContextLength, config.HiddenSize, config.Layers, config.IntermediateSize,
        config.Heads, config.KeyValueHeads, config.HeadDim, config.NormEpsilon, config.RopeTheta);

    /// <summary>Bytes of weights that a step reads: all matrices and the head once; rows of the embedding are nothing beside them.</summary>
    /// <param name="config">The shape.</param>
    /// <param name="bytesPerWeight">With what scales add.</param>
    public static double WeightBytes(ModelConfig config, double bytesPerWeight)
    {
        double queries = config.Heads * config.HeadDim, keys = config.KeyValueHeads * config.HeadDim, hidden = config.HiddenSize;
        double layer = hidden * (queries + 2 * keys) + queries * hidden + 3 * hidden * config.IntermediateSize;
        return bytesPerWeight * (config.Layers * layer + (double)config.VocabularySize * hidden);
    }

    /// <summary>Bytes of keys and values that a step reads for each conversation.</summary>
    public static double CacheBytes(ModelConfig config, int places, int bytesPerNumber) =>
        2.0 * config.Layers * config.KeyValueHeads * places * config.HeadDim * bytesPerNumber;

    /// <summary>Bytes of a weight and of a number in the cache, of one of our types.</summary>
    /// <exception cref="InputException">What the type reads is not known here.</exception>
    public static (double Weight, int Cached) BytesOf(DType type) => type switch
    {
        DType.Float32 => (4, 4),
        DType.BFloat16 => (2, 2),
        DType.Int8 => (1, 2), // a scale per row is less than a hundredth
        _ => throw new InputException($"How many bytes a weight of {type} has is not known: add it to {nameof(Shapes)}.{nameof(BytesOf)}."),
    };
}
