using Streaming.Inference.Memory;
using Streaming.Inference.Threading;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>A product of rows and weights, in parts of some weights each.</summary>
internal sealed unsafe class ProductTask : IParallelTask
{
    // A thread that the system suspends delays the others by one part, so parts are small: some ten microseconds for a few rows.
    private const int MinWeights = 64,
        PartsPerThread = 4,
        MaxElements = 256 * 1024;

    /// <summary>Kernels for the rows' width.</summary>
    public required VectorKernels Kernels { get; set; }

    /// <summary>Kernels for 4-bit weights.</summary>
    public required NibbleProduct Nibbles { get; init; }

    /// <summary>[Out, Width]: packed int8 or 4 bits if there are <see cref="Scales"/>, else float32 or bfloat16.</summary>
    public void* Weights { get; set; }

    /// <summary>[Out], or [Out, Width / <see cref="NibbleProduct.Group"/>] for 4 bits; null if the weights are not quantised.</summary>
    public BFloat16* Scales { get; set; }

    /// <summary>Whether quantised weights have 4 bits, else 8.</summary>
    public bool HasNibbles { get; set; }

    /// <summary>Whether weights that are not quantised are bfloat16, else float32.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Number of weights.</summary>
    public int Out { get; set; }

    /// <summary>Elements of a row.</summary>
    public int Width { get; set; }

    /// <summary>Input, [Count, Width].</summary>
    public float* Rows { get; set; }

    /// <summary>Quantised rows, [Count, Width]; for quantised weights.</summary>
    public short* QuantisedRows { get; set; }

    /// <summary>Their scales, [Count]; for quantised weights.</summary>
    public float* RowScales { get; set; }

    /// <summary>Results of <see cref="NibbleProduct.SumGroups"/> for each row; for 4-bit weights.</summary>
    public float* RowSums { get; set; }

    /// <summary>Number of rows.</summary>
    public int Count { get; set; }

    /// <summary>Output, [Count, Out].</summary>
    public float* Results { get; set; }

    /// <summary>Whether to add to the results instead of replacing them.</summary>
    public bool Add { get; set; }

    private int _weightsPerPart;

    /// <summary>Computes the product.</summary>
    public void Run(WorkerPool pool)
    {
        _weightsPerPart = WeightsPerPart(Out, Width, pool.Threads);
        pool.Run(this, (Out + _weightsPerPart - 1) / _weightsPerPart);
    }

    /// <summary>Number of weights of a part.</summary>
    internal static int WeightsPerPart(int weights, int width, int threads)
    {
        int wanted = Math.Max(threads * PartsPerThread, (int)((long)weights * width / MaxElements));
        int parts = threads == 1 ? 1 : Math.Clamp(weights / MinWeights, 1, wanted);
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
