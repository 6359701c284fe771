using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Rotary position embedding (Su et al. 2021) of a batch's rows, in Hugging Face's half-split form: component i is paired with
/// i + D/2, not i + 1.
/// </summary>
/// <param name="Cosines">[N, 1, D], float32.</param>
/// <param name="Sines">[N, 1, D], float32; the first half is negated.</param>
internal readonly record struct RotaryEmbedding(torch.Tensor Cosines, torch.Tensor Sines)
{
    /// <summary>
    /// The rotations of rows by their positions. Angles are computed and reduced in float64, because at position ten million a float32
    /// angle is off by half a radian.
    /// </summary>
    /// <param name="positions">Positions of the rows, [N].</param>
    /// <param name="frequencies">Angles per position, [D / 2].</param>
    /// <param name="attentionFactor">Factor of cosines and sines; 1 except for some RoPE scalings.</param>
    /// <param name="device">Device of the tensors.</param>
    public static RotaryEmbedding To(ReadOnlySpan<long> positions, double[] frequencies, double attentionFactor, torch.Device device)
    {
        int half = frequencies.Length,
            width = 2 * half;
        var cosines = new float[positions.Length * width];
        var sines = new float[positions.Length * width];
        for (int row = 0; row < positions.Length; row++)
        {
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(positions[row] * frequencies[i] % Math.Tau);
                sine *= attentionFactor;
                cosine *= attentionFactor;
                int at = row * width + i;
                cosines[at] = cosines[at + half] = (float)cosine;
                sines[at] = -(float)sine;
                sines[at + half] = (float)sine;
            }
        }
        return new RotaryEmbedding(
            torch.tensor(cosines, [positions.Length, 1, width], device: device),
            torch.tensor(sines, [positions.Length, 1, width], device: device)
        );
    }

    /// <summary>Rotates heads [N, heads, D], float32.</summary>
    public torch.Tensor Apply(torch.Tensor heads)
    {
        torch.Tensor partners = heads.roll(heads.shape[^1] / 2, -1);
        return torch.addcmul(heads * Cosines, partners, Sines, TorchScalars.One);
    }
}
