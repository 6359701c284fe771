using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// Weights at random, a function of a seed and each tensor's name, in the size that keeps activations about constant from layer
/// to layer: for speed and memory, which do not depend on what the numbers say.
/// </summary>
/// <param name="seed">Another seed, other weights.</param>
public sealed class RandomWeightSource(int seed = 1) : IWeightSource
{
    /// <inheritdoc/>
    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (shape.Length == 1)
            return torch.ones(shape, torch.ScalarType.BFloat16); // a norm's weight
        using var generator = new torch.Generator((ulong)(seed + name.Sum(c => 31L * c)), torch.CPU);
        double bound = Math.Sqrt(3.0 / shape[^1]); // a variance of 1 / in
        return torch.empty(shape, torch.ScalarType.BFloat16).uniform_(-bound, bound, generator);
    }
}
