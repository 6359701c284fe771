using Streaming.Inference.Memory;
using Streaming.Inference.Threading;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>A product, in parts of some weights each.</summary>
internal sealed unsafe class ProductTask : IParallelTask
{
    // Whoever is kept from running by the system holds up the others by one part: some ten microseconds of reading, or of computing for a few rows.
    private const int LeastWeights = 64,
        PartsPerThread = 4,
        MostNumbers = 256 * 1024;

    /// <summary>Of the width of the rows.</summary>
    public required VectorKernels Kernels { get; set; }

    /// <summary>For weights of 4 bits.</summary>
    public required NibbleProduct Nibbles { get; init; }

    /// <summary>[Out, Width]: int8 or 4 bits, as the kernels lay them, if there are <see cref="Scales"/>, else float32 or bfloat16.</summary>
    public void* Weights { get; set; }

    /// <summary>[Out], or [Out, Width / <see cref="NibbleProduct.Group"/>] for 4 bits; null for weights that are not quantised.</summary>
    public BFloat16* Scales { get; set; }

    /// <summary>Whether weights that have scales have 4 bits, else 8.</summary>
    public bool HasNibbles { get; set; }

    /// <summary>Whether weights that are not quantised are bfloat16.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Weights.</summary>
    public int Out { get; set; }

    /// <summary>Numbers of a row.</summary>
    public int Width { get; set; }

    /// <summary>[Count, Width].</summary>
    public float* Rows { get; set; }

    /// <summary>Rows as integers, [Count, Width]; for quantised weights.</summary>
    public short* QuantisedRows { get; set; }

    /// <summary>[Count]; for quantised weights.</summary>
    public float* RowScales { get; set; }

    /// <summary>What <see cref="NibbleProduct.SumGroups"/> says of each row; for 4 bits.</summary>
    public float* RowSums { get; set; }

    /// <summary>Rows.</summary>
    public int Count { get; set; }

    /// <summary>[Count, Out].</summary>
    public float* Results { get; set; }

    /// <summary>Adds to the results instead of replacing them.</summary>
    public bool Add { get; set; }

    private int _weightsPerPart;

    /// <summary>Does all of it.</summary>
    public void Run(WorkerPool pool)
    {
        _weightsPerPart = WeightsPerPart(Out, Width, pool.Threads);
        pool.Run(this, (Out + _weightsPerPart - 1) / _weightsPerPart);
    }

    /// <summary>Weights of a part.</summary>
    internal static int WeightsPerPart(int weights, int width, int threads)
    {
        int wanted = Math.Max(threads * PartsPerThread, (int)((long)weights * width / MostNumbers));
        int parts = threads == 1 ? 1 : Math.Clamp(weights / LeastWeights, 1, wanted);
        return ((weights + parts - 1) / parts + FloatProduct.TileWeights - 1) / FloatProduct.TileWeights * FloatProduct.TileWeights;
    }

    public void Do(int part, int thread)
    {
        int from = part * _weightsPerPart,
            to = Math.Min(Out, from + _weightsPerPart);
        if (Scales is null)
            Kernels.Product(Weights, IsBFloat16, Width, from, to, Rows, Width, Count, Results, Out, Add);
        else if (HasNibbles)
            Nibbles.Run((byte*)Weights, Scales, Width, from, to, QuantisedRows, RowSums, RowScales, Count, Results, Out, Add);
        else
            Kernels.Product((sbyte*)Weights, Scales, Width, from, to, QuantisedRows, RowScales, Count, Results, Out, Add);
    }
}
