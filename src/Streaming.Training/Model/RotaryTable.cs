using Streaming.Inference.Checkpoints;
using Streaming.Inference.Kernels.LibTorch;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>
/// RoPE's cosines and sines for every position (Su et al. 2021), in Hugging Face's layout: element i of a head's first half pairs with
/// element i of its second. The queries' entries include the scale 1 / √head_dim.
/// </summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly Tensor _cosine; // [1, context, heads + kv_heads, 1, head_dim / 2]
    private readonly Tensor _sine; // [1, context, heads + kv_heads, 2, head_dim / 2], negative for the first half

    public RotaryTable(ModelConfig config, ScalarType type, Device device)
    {
        int half = config.HeadDim / 2,
            heads = config.Heads + config.KeyValueHeads;
        float[] cosine = new float[config.ContextLength * heads * half];
        float[] sine = new float[config.ContextLength * heads * 2 * half];
        for (int p = 0; p < config.ContextLength; p++)
        {
            for (int h = 0; h < heads; h++)
            {
                double scale = h < config.Heads ? 1 / Math.Sqrt(config.HeadDim) : 1;
                for (int i = 0; i < half; i++)
                {
                    double angle = p * Math.Pow(config.RopeTheta, -(double)i / half);
                    int row = p * heads + h;
                    cosine[row * half + i] = (float)(scale * Math.Cos(angle));
                    sine[(row * 2 + 1) * half + i] = (float)(scale * Math.Sin(angle));
                    sine[row * 2 * half + i] = -sine[(row * 2 + 1) * half + i];
                }
            }
        }
        _cosine = tensor(cosine, [1, config.ContextLength, heads, 1, half]).to(type, device);
        _sine = tensor(sine, [1, config.ContextLength, heads, 2, half]).to(type, device);
    }

    /// <summary>The rotation for sequences of the given length.</summary>
    public RotaryEmbedding ForLength(long length) => new(_cosine.narrow(1, 0, length), _sine.narrow(1, 0, length));

    public void Dispose()
    {
        _cosine.Dispose();
        _sine.Dispose();
    }
}

/// <summary>The rotation for sequences of one length.</summary>
/// <param name="Cosine">[1, length, heads + kv_heads, 1, head_dim / 2].</param>
/// <param name="Sine">[1, length, heads + kv_heads, 2, head_dim / 2], negative for the first half.</param>
internal sealed record RotaryEmbedding(Tensor Cosine, Tensor Sine)
{
    /// <summary>Rotates queries and keys, [batch, length, heads + kv_heads, head_dim].</summary>
    public Tensor Apply(Tensor heads)
    {
        long[] shape = heads.shape;
        Tensor halves = heads.view(shape[0], shape[1], shape[2], 2, shape[3] / 2);
        return halves.mul(Cosine).addcmul(halves.flip(3), Sine, TorchScalars.One).view(shape);
    }
}
