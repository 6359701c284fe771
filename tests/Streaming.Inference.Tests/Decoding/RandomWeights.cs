using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Weights that are a function of a seed and each tensor's name: no checkpoint needed.</summary>
/// <param name="seed">Another seed, another model.</param>
/// <param name="gain">1 keeps the residual stream's size about the same from layer to layer; more makes attention sharper.</param>
internal sealed class RandomWeights(int seed, double gain = 1) : IWeightSource
{
    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        long length = 1;
        foreach (long size in shape)
            length *= size;
        var random = new Random(seed + name.Sum(c => 31 * c) + name.Length);
        bool norm = shape.Length == 1;
        double deviation = name.Contains("embed", StringComparison.Ordinal) ? 1 : gain / Math.Sqrt(shape[^1]);
        var values = new float[length];
        for (int i = 0; i < values.Length; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
            values[i] = (float)(norm ? 1 + 0.1 * normal : deviation * normal);
        }
        return torch.tensor(values, shape.ToArray());
    }
}

/// <summary>TestShapes of models for tests.</summary>
internal static class TestShapes
{
    /// <summary>Small, with grouped queries and heads that do not add up to the hidden size.</summary>
    public static readonly ModelConfig Small = new()
    {
        Layers = 2,
        HiddenSize = 24,
        IntermediateSize = 40,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 8,
        VocabularySize = 50,
        ContextLength = 512,
    };

    /// <summary>That of the first model that came with the project.</summary>
    public static readonly ModelConfig Starter = new()
    {
        Layers = 6,
        HiddenSize = 256,
        IntermediateSize = 768,
        Heads = 4,
        KeyValueHeads = 2,
        HeadDim = 64,
        VocabularySize = 4096,
        ContextLength = 512,
        TiedHead = true,
    };
}
