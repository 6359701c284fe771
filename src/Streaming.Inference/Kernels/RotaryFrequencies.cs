using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Kernels;

/// <summary>
/// The angles of rotary position embedding (Su et al. 2021). They are a function of the model and of a conversation's own places, never
/// of the device's: a conversation gets the same tokens on every host.
/// </summary>
internal sealed class RotaryFrequencies
{
    private readonly double[] _short;
    private readonly double[] _long;
    private readonly int _original;

    /// <summary>The angles of a model.</summary>
    public RotaryFrequencies(ModelConfig config)
    {
        _original = (config.RopeScaling as LongRope)?.OriginalContext ?? int.MaxValue;
        _short = Of(config, _original);
        _long = _original < int.MaxValue ? Of(config, int.MaxValue) : _short;
    }

    /// <summary>The different lists of angles that conversations may have.</summary>
    public IEnumerable<double[]> All => ReferenceEquals(_short, _long) ? [_short] : [_short, _long];

    /// <summary>Angles per position of a conversation, [D/2]; one of <see cref="All"/>.</summary>
    public double[] For(CacheLayout layout) => layout.Places > _original ? _long : _short;

    /// <summary>Angles per position, [D/2]: theta^(-2i/D) for i = 0 to D/2 - 1, scaled as the model and the places require.</summary>
    public static double[] Of(ModelConfig config, int places)
    {
        double[] frequencies = new double[config.HeadDim / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadDim);
        config.RopeScaling?.Scale(frequencies, config.RopeTheta, places);
        return frequencies;
    }
}
