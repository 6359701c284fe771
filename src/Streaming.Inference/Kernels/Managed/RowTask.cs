using Streaming.Inference.Memory;
using Streaming.Inference.Threading;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>An operation on each row by itself, in parts of some rows each.</summary>
internal abstract unsafe class RowTask : IParallelTask
{
    private const int RowsPerPart = 4;

    /// <summary>Of the width of the rows.</summary>
    public required VectorKernels Kernels { get; set; }

    /// <summary>[Count, ..].</summary>
    public float* Rows { get; set; }

    /// <summary>Rows.</summary>
    public int Count { get; set; }

    /// <summary>Numbers of a result.</summary>
    public int Width { get; set; }

    /// <summary>Does all of it.</summary>
    public void Run(WorkerPool pool) => pool.Run(this, (Count + RowsPerPart - 1) / RowsPerPart);

    public void Do(int part, int thread)
    {
        int end = Math.Min(Count, (part + 1) * RowsPerPart);
        for (int row = part * RowsPerPart; row < end; row++)
            Do(row);
    }

    /// <summary>One row.</summary>
    protected abstract void Do(int row);
}

/// <summary>Norms of rows [Count, Width].</summary>
internal sealed unsafe class NormaliseTask : RowTask
{
    /// <summary>[Width], float32 or bfloat16.</summary>
    public void* Weight { get; set; }

    /// <summary>Whether the weight is bfloat16.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Epsilon under the root.</summary>
    public double Epsilon { get; set; }

    /// <summary>[Count, Width].</summary>
    public float* Results { get; set; }

    protected override void Do(int row) =>
        Kernels.Normalise(Rows + (long)row * Width, Weight, IsBFloat16, Width, Epsilon, Results + (long)row * Width);
}

/// <summary>Norms in place of the first heads of rows [Count, RowStride], Width numbers each.</summary>
internal sealed unsafe class NormaliseHeadsTask : RowTask
{
    /// <summary>[Heads, Width], float32 or bfloat16.</summary>
    public void* Weights { get; set; }

    /// <summary>Whether the weights are bfloat16.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Epsilon under the root.</summary>
    public double Epsilon { get; set; }

    /// <summary>Query and key heads.</summary>
    public int Heads { get; set; }

    /// <summary>Numbers from one row to the next.</summary>
    public int RowStride { get; set; }

    protected override void Do(int row)
    {
        for (int head = 0; head < Heads; head++)
        {
            float* numbers = Rows + (long)row * RowStride + head * Width;
            int first = head * Width;
            void* weight = IsBFloat16 ? (BFloat16*)Weights + first : (float*)Weights + first;
            Kernels.Normalise(numbers, weight, IsBFloat16, Width, Epsilon, numbers);
        }
    }
}

/// <summary>Rows [Count, Width] as integers with a scale each.</summary>
internal sealed unsafe class QuantiseTask : RowTask
{
    /// <summary>[Count, Width].</summary>
    public short* Results { get; set; }

    /// <summary>[Count].</summary>
    public float* Scales { get; set; }

    protected override void Do(int row) => Scales[row] = Kernels.Quantise(Rows + (long)row * Width, Width, Results + (long)row * Width);
}

/// <summary>Gates of rows [Count, 2 · Width].</summary>
internal sealed unsafe class GateTask : RowTask
{
    /// <summary>[Count, Width].</summary>
    public float* Results { get; set; }

    protected override void Do(int row)
    {
        float* gate = Rows + 2 * (long)row * Width;
        Kernels.Gate(gate, gate + Width, Width, Results + (long)row * Width);
    }
}
