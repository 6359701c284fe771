using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>Random weights with biases of queries, keys and values, as in Qwen2.</summary>
/// <param name="seed">The seed.</param>
/// <param name="config">The model.</param>
/// <param name="key">The bias of each key's slowest pair of components, as far as it is constant.</param>
/// <param name="value">The bias of a component of each value.</param>
internal sealed class BiasedWeights(int seed, ModelConfig config, float key, float value = 0) : IWeightSource
{
    private readonly RandomWeights _weights = new(seed, gain: 1.5);

    public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
    {
        if (!name.EndsWith("_proj.bias", StringComparison.Ordinal))
            return _weights.Read(name, shape);
        int half = config.HeadDim / 2;
        var random = new Random(seed + name.Sum(c => 31 * c));
        float[] biases = new float[shape[0]];
        for (int i = 0; i < biases.Length; i++)
        {
            biases[i] = random.NextSingle() - 0.5f;
            if (name.Contains("k_proj", StringComparison.Ordinal) && i % half == half - 1)
                biases[i] += i % config.HeadDim < half ? key : -key / 2;
            if (name.Contains("v_proj", StringComparison.Ordinal) && i % config.HeadDim == 3)
                biases[i] += value;
        }
        return torch.tensor(biases, shape.ToArray());
    }
}
