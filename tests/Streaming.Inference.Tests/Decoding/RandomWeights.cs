using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Random weights, a function of a seed and each tensor's name.</summary>
/// <param name="seed">The seed.</param>
/// <param name="gain">1 keeps the size of the residual stream about constant; more makes attention sharper.</param>
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
        float[] values = new float[length];
        for (int i = 0; i < values.Length; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
            values[i] = (float)(norm ? 1 + 0.1 * normal : deviation * normal);
        }
        return torch.tensor(values, shape.ToArray());
    }
}

/// <summary>Shapes of models for tests.</summary>
internal static class TestShapes
{
    /// <summary>A small shape with grouped queries, whose heads differ from the hidden size in total width.</summary>
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

    /// <summary>The shape of the project's first embedded model.</summary>
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
