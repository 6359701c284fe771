namespace Streaming.Inference.Decoding.Managed;

/// <summary>A product, in parts of some weights each.</summary>
internal sealed unsafe class ProductWork : IPartedWork
{
    private const int LeastWeights = 64, PartsPerThread = 4;

    /// <summary>Of the width of the rows.</summary>
    public required VectorKernels Kernels { get; set; }

    /// <summary>[Out, Width]: int8 if there are <see cref="Scales"/>, else float32 or bfloat16.</summary>
    public void* Weights { get; set; }

    /// <summary>[Out]; null for weights that are not int8.</summary>
    public BFloat16* Scales { get; set; }

    /// <summary>Whether weights that are not int8 are bfloat16.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Weights.</summary>
    public int Out { get; set; }

    /// <summary>Numbers of a row.</summary>
    public int Width { get; set; }

    /// <summary>[Count, Width].</summary>
    public float* Rows { get; set; }

    /// <summary>Rows as integers, [Count, Width]; for int8.</summary>
    public short* QuantisedRows { get; set; }

    /// <summary>[Count]; for int8.</summary>
    public float* RowScales { get; set; }

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
        int parts = pool.Threads == 1 ? 1 : Math.Clamp(Out / LeastWeights, 1, pool.Threads * PartsPerThread);
        _weightsPerPart = ((Out + parts - 1) / parts + FloatProduct.TileWeights - 1) / FloatProduct.TileWeights * FloatProduct.TileWeights;
        pool.Run(this, (Out + _weightsPerPart - 1) / _weightsPerPart);
    }

    public void Do(int part, int thread)
    {
        int from = part * _weightsPerPart, to = Math.Min(Out, from + _weightsPerPart);
        if (Scales is null)
            Kernels.Product(Weights, IsBFloat16, Width, from, to, Rows, Width, Count, Results, Out, Add);
        else
            Kernels.Product((sbyte*)Weights, Scales, Width, from, to, QuantisedRows, RowScales, Count, Results, Out, Add);
    }
}
