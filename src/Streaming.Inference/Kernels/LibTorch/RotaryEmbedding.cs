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
    /// <param name="batch">The batch.</param>
    /// <param name="positions">Positions of its rows, [N].</param>
    /// <param name="rotary">Angles per position, by the conversation.</param>
    /// <param name="attentionFactor">Factor of cosines and sines; 1 except for some RoPE scalings.</param>
    /// <param name="device">Device of the tensors.</param>
    public static RotaryEmbedding To(
        Batch batch,
        ReadOnlySpan<long> positions,
        RotaryFrequencies rotary,
        double attentionFactor,
        torch.Device device
    )
    {
        int half = rotary.For(batch.Segments[0].Layout).Length,
            width = 2 * half,
            row = 0;
        float[] cosines = new float[positions.Length * width];
        float[] sines = new float[positions.Length * width];
        foreach (Segment segment in batch.Segments)
        {
            double[] frequencies = rotary.For(segment.Layout);
            for (int end = row + segment.Ids.Length; row < end; row++)
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
