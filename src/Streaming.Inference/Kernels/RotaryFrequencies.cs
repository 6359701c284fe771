using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Kernels;

/// <summary>The angles of rotary position embedding (Su et al. 2021).</summary>
internal static class RotaryFrequencies
{
    /// <summary>Angles per position, [D/2]: theta^(-2i/D) for i = 0 to D/2 - 1, scaled as the model and the capacity require.</summary>
    public static double[] Of(ModelConfig config, int capacity)
    {
        var frequencies = new double[config.HeadDim / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadDim);
        config.RopeScaling?.Scale(frequencies, config.RopeTheta, capacity);
        return frequencies;
    }
}
