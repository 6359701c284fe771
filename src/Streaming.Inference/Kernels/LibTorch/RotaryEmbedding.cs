using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// Rotary position embedding (Su et al. 2021) of the rows of a batch, in Hugging Face's half-split form: the pair of
/// component i is i + D/2, not i + 1.
/// </summary>
/// <param name="Cosines">[N, 1, D], float32.</param>
/// <param name="Sines">[N, 1, D], float32; the first half is negated.</param>
internal readonly record struct RotaryEmbedding(torch.Tensor Cosines, torch.Tensor Sines)
{
    /// <summary>
    /// The rotation of each row to its position. Angles are taken and reduced in float64 and only their sines and cosines are
    /// cast: at ten million a float32 angle is wrong by half a radian.
    /// </summary>
    /// <param name="positions">Of the rows, [N].</param>
    /// <param name="frequencies">Angles per position, [D / 2].</param>
    /// <param name="attentionFactor">What cosines and sines are multiplied with; 1 but for some scalings.</param>
    /// <param name="device">Of the tensors.</param>
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
