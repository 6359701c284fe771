using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>Random weights of any shape: speed does not depend on what a model knows.</summary>
internal sealed class ShapeWeights(int seed) : IWeightSource
{
    /// <summary>SmolLM2-135M's numbers.</summary>
    public static readonly ModelConfig Smol135M = new()
    {
        Layers = 30, HiddenSize = 576, IntermediateSize = 1536, Heads = 9, KeyValueHeads = 3, HeadDim = 64,
        VocabularySize = 49152, ContextLength = 8192, TiedHead = true,
    };

    /// <summary>Llama-3.2-1B's numbers.</summary>
    public static readonly ModelConfig Llama1B = new()
    {
        Layers = 16, HiddenSize = 2048, IntermediateSize = 8192, Heads = 32, KeyValueHeads = 8, HeadDim = 64,
        VocabularySize = 128256, ContextLength = 8192, TiedHead = true, RopeTheta = 500_000,
    };

    /// <summary>The embedded model's numbers.</summary>
    public static readonly ModelConfig Starter = new()
    {
        Layers = 6, HiddenSize = 256, IntermediateSize = 768, Heads = 4, KeyValueHeads = 2, HeadDim = 64,
        VocabularySize = 4096, ContextLength = 512, TiedHead = true,
    };

    /// <inheritdoc/>
    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        using var generator = new torch.Generator((ulong)(seed + name.Sum(c => 31 * c) + name.Length));
        torch.Tensor numbers = torch.randn(shape.ToArray(), generator: generator);
        return shape.Length == 1 ? numbers.mul_(0.1).add_(1) : numbers.mul_(name.Contains("embed", StringComparison.Ordinal) ? 1 : 1 / Math.Sqrt(shape[^1]));
    }
}
