using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>Random weights of any shape: speed does not depend on what a model knows.</summary>
internal sealed class ShapeWeights(int seed) : IWeightSource
{
    /// <summary>The embedded model's numbers.</summary>
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

    /// <inheritdoc/>
    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        using var generator = new torch.Generator((ulong)(seed + name.Sum(c => 31 * c) + name.Length));
        torch.Tensor numbers = torch.randn(shape.ToArray(), generator: generator);
        return shape.Length == 1
            ? numbers.mul_(0.1).add_(1)
            : numbers.mul_(name.Contains("embed", StringComparison.Ordinal) ? 1 : 1 / Math.Sqrt(shape[^1]));
    }
}
