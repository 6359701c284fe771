using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;

namespace Streaming.Bench.Peers;

/// <summary>The models that both sides compute, with the same random weights.</summary>
internal static class Shapes
{
    /// <summary>Seconds instead of minutes, to see that the program works.</summary>
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

    /// <summary>A shape's numbers.</summary>
    /// <exception cref="InputException">There is none of that name.</exception>
    public static ModelConfig Of(string name) => name == Tiny ? TinyConfig : NamedShapes.Of(name);

    /// <summary>The same numbers for llama.cpp.</summary>
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

    /// <summary>Bytes that a step must read: all matrices and the head once, and the keys and values of every conversation. Rows of the embedding are nothing beside them.</summary>
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

    /// <summary>What one of our types reads.</summary>
    /// <exception cref="InputException">It is not known here.</exception>
    public static ByteCosts CostsOf(DType type) =>
        type switch
        {
            DType.Float32 => new(4, 4, 4, 0),
            DType.BFloat16 => new(2, 2, 2, 0),
            DType.Int8 => new(1, 1, 1, sizeof(float)), // a scale per row is less than a hundredth
            DType.Int4 => new(0.5 + 2.0 / 32, 1, 1, sizeof(float)),
            _ => throw new InputException(
                $"How many bytes a weight of {type} has is not known: add it to {nameof(Shapes)}.{nameof(CostsOf)}."
            ),
        };
}

/// <summary>Bytes of numbers.</summary>
/// <param name="Weight">A weight of the layers, its share of the scales included.</param>
/// <param name="HeadWeight">A weight of the head, likewise.</param>
/// <param name="Cached">A number of a key or value.</param>
/// <param name="CachedScale">The scale of a key or value; 0 without scales.</param>
internal sealed record ByteCosts(double Weight, double HeadWeight, double Cached, double CachedScale);
