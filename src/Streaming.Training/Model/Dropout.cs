using TorchSharp;
using static TorchSharp.torch;

namespace Streaming.Training.Model;

/// <summary>
/// Dropout on what a layer adds to the residual stream (Srivastava et al. 2014), against overfitting to texts that are read many times.
/// An instance belongs to one thread and one pass.
/// </summary>
internal sealed class Dropout : IDisposable
{
    private readonly double _kept;
    private readonly Scalar _scale;
    private readonly Generator? _generator;

    /// <param name="share">The probability that an element is dropped.</param>
    /// <param name="seed">The seed that decides which elements are dropped.</param>
    /// <param name="device">The device of the tensors.</param>
    public Dropout(double share, ulong seed, Device device)
    {
        (_kept, _scale) = (1 - share, 1 / (1 - share));
        if (device.type == DeviceType.CPU)
            _generator = new Generator(seed); // one per pass, so that the order of the parts does not matter
        else
            manual_seed((long)(seed >> 1)).Dispose(); // TorchSharp has no generators for other devices, and one thread computes there
    }

    /// <summary>The residual stream, [N, hidden], plus the addition, [N, hidden], after dropout.</summary>
    public Tensor Add(Tensor x, Tensor addition) => x.addcmul(addition, empty_like(addition).bernoulli_(_kept, _generator), _scale);

    public void Dispose()
    {
        _scale.Dispose();
        _generator?.Dispose();
    }
}
