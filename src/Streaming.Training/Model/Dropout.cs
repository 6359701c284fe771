using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>
/// Leaves out a share of what a layer adds to the residual stream, at random, and enlarges the rest (Srivastava et al. 2014):
/// against learning texts by heart that are read many times. Belongs to one thread and one pass.
/// </summary>
internal sealed class Dropout : IDisposable
{
    private readonly double _kept;
    private readonly Scalar _scale;
    private readonly Generator? _generator;

    /// <param name="share">The share that is left out.</param>
    /// <param name="seed">What is left out.</param>
    /// <param name="device">Where the tensors are.</param>
    public Dropout(double share, ulong seed, Device device)
    {
        (_kept, _scale) = (1 - share, 1 / (1 - share));
        if (device.type == DeviceType.CPU)
            _generator = new Generator(seed); // each thread's own: the order of the parts does not matter
        else
            manual_seed((long)(seed >> 1)).Dispose(); // TorchSharp makes no generators of other devices, and one thread computes there
    }

    /// <summary>The sum of a residual stream, [N, hidden], and what is left of an addition.</summary>
    public Tensor Add(Tensor x, Tensor addition) => x.addcmul(addition, empty_like(addition).bernoulli_(_kept, _generator), _scale);

    public void Dispose()
    {
        _scale.Dispose();
        _generator?.Dispose();
    }
}
