using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// Random weights, a function of a seed and each tensor's name, for measuring speed and memory. Their variance keeps the size of
/// activations about constant from layer to layer.
/// </summary>
/// <param name="seed">The seed.</param>
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
