using Streaming.Inference.Kernels.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Optimization;

/// <summary>
/// An auxiliary loss that makes the heads above the first layer leave a share of their attention on the start token. At this size no
/// sink emerged there by itself in 106 million tokens. It is a hinge on the logarithm of a head's mean share over all positions, so that
/// a single position may differ.
/// </summary>
internal sealed class SinkLoss : IDisposable
{
    private readonly Scalar _wanted,
        _weight,
        _least = 1e-6;

    /// <param name="share">The target share for each head, above 0 and below 1.</param>
    /// <param name="weight">The loss's weight in each layer.</param>
    public SinkLoss(double share, double weight) => (_wanted, _weight) = (Math.Log(share), weight);

    /// <summary>The loss of one layer, a scalar.</summary>
    /// <param name="weights">The layer's attention weights, [batch, heads, length, length].</param>
    public Tensor Of(Tensor weights)
    {
        Tensor[] columns = weights.split([1, weights.shape[3] - 1], 3);
        Tensor share = columns[0].to(ScalarType.Float32).mean([0, 2, 3]); // [heads]
        return share.add(_least, TorchScalars.One).log().neg().add(_wanted, TorchScalars.One).relu().mean().mul(_weight);
    }

    public void Dispose()
    {
        _wanted.Dispose();
        _weight.Dispose();
        _least.Dispose();
    }
}
