using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers;

/// <summary>The models that all backends compute, with the same random weights.</summary>
internal static class Shapes
{
    /// <summary>A shape that is measured in seconds, as a check that the program works.</summary>
    public const string Tiny = "tiny";

    private static readonly ModelConfig TinyConfig = new()
    {
        Layers = 2,
        HiddenSize = 128,
        IntermediateSize = 256,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 32,
        VocabularySize = 512,
        ContextLength = 1024,
        TiedHead = true,
    };

    /// <summary>The configuration of a shape.</summary>
    /// <exception cref="InputException">The name is unknown.</exception>
    public static ModelConfig Of(string name) => name == Tiny ? TinyConfig : NamedShapes.Of(name);

    /// <summary>The same configuration for llama.cpp.</summary>
    public static GgufModel ForLlamaCpp(ModelConfig config) =>
        new(
            "llama",
            config.VocabularySize,
            config.ContextLength,
            config.HiddenSize,
            config.Layers,
            config.IntermediateSize,
            config.Heads,
            config.KeyValueHeads,
            config.HeadDim,
            config.NormEpsilon,
            config.RopeTheta
        );

    /// <summary>
    /// Bytes that a step must read: all matrices and the head once, and the keys and values of every conversation. The rows of the
    /// embedding are negligible.
    /// </summary>
    public static double StepBytes(ModelConfig config, ByteCosts costs, int places, int conversations)
    {
        double queries = config.Heads * config.HeadDim,
            keys = config.KeyValueHeads * config.HeadDim,
            hidden = config.HiddenSize;
        double layer = hidden * (queries + 2 * keys) + queries * hidden + 3 * hidden * config.IntermediateSize;
        double vectors = 2.0 * config.Layers * config.KeyValueHeads * places;
        return config.Layers * layer * costs.Weight
            + config.VocabularySize * hidden * costs.HeadWeight
            + conversations * vectors * (config.HeadDim * costs.Cached + costs.CachedScale);
    }

    /// <summary>Bytes of the numbers of one of this engine's types.</summary>
    /// <exception cref="InputException">The type is unknown here.</exception>
    public static ByteCosts CostsOf(DType type) =>
        type switch
        {
            DType.Float32 => new(4, 4, 4, 0),
            DType.BFloat16 => new(2, 2, 2, 0),
            DType.Int8 => new(1, 1, 1, sizeof(float)), // the scale of each row adds less than 1 %
            DType.Int4 => new(0.5 + 2.0 / 32, 1, 1, sizeof(float)),
            _ => throw new InputException($"The bytes of a weight of {type} are unknown: add them to {nameof(Shapes)}.{nameof(CostsOf)}."),
        };
}

/// <summary>Bytes of a number.</summary>
/// <param name="Weight">A weight of the layers, with its share of the scales.</param>
/// <param name="HeadWeight">A weight of the head, with its share of the scales.</param>
/// <param name="Cached">A number of a key or value.</param>
/// <param name="CachedScale">The scale of a key or value; 0 without scales.</param>
internal sealed record ByteCosts(double Weight, double HeadWeight, double Cached, double CachedScale);
