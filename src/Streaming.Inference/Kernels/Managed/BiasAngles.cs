using Streaming.Inference.Caching;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Cosines and sines of the positions inside the cache, for <see cref="BiasScores"/>: those of position 16k + j are composed from
/// those of 16k and of j.
/// </summary>
internal sealed unsafe class BiasAngles : IDisposable
{
    /// <summary>Positions of a block.</summary>
    public const int Block = IntegerCache.Multiple;

    private readonly NativeBuffer<float> _blocks = new(),
        _lanes = new();

    /// <summary>Computes the angles in float64.</summary>
    /// <param name="frequencies">Angles per position, [D/2].</param>
    /// <param name="attentionFactor">Factor of every rotated key.</param>
    /// <param name="capacity">C, places of a slot.</param>
    public BiasAngles(double[] frequencies, double attentionFactor, int capacity)
    {
        Half = frequencies.Length;
        int padded = AttentionHead.Padded(Half),
            blocks = (capacity + Block - 1) / Block;
        Blocks = _blocks.Take(2L * blocks * padded);
        new Span<float>(Blocks, 2 * blocks * padded).Clear();
        for (int block = 0; block < blocks; block++)
        {
            for (int i = 0; i < Half; i++)
            {
                (double sine, double cosine) = Math.SinCos((double)block * Block * frequencies[i] % Math.Tau);
                Blocks[2 * block * padded + i] = (float)(attentionFactor * cosine);
                Blocks[(2 * block + 1) * padded + i] = (float)(attentionFactor * sine);
            }
        }
        Lanes = _lanes.Take(2L * Half * Block);
        for (int i = 0; i < Half; i++)
        {
            for (int lane = 0; lane < Block; lane++)
            {
                (double sine, double cosine) = Math.SinCos(lane * frequencies[i] % Math.Tau);
                Lanes[2 * i * Block + lane] = (float)cosine;
                Lanes[(2 * i + 1) * Block + lane] = (float)sine;
            }
        }
    }

    /// <summary>D/2, pairs of a head's components.</summary>
    public int Half { get; }

    /// <summary>For the first position of each block the pairs' cosines, then their sines, [blocks, 2, D/2 rounded up].</summary>
    public float* Blocks { get; }

    /// <summary>For each pair the cosines, then the sines, of the positions 0 to 15, [D/2, 2, 16].</summary>
    public float* Lanes { get; }

    public void Dispose()
    {
        _blocks.Dispose();
        _lanes.Dispose();
    }
}
