using Streaming.Inference.Memory;
using Streaming.Inference.Threading;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>An operation on single rows, in parts of some rows each.</summary>
internal abstract unsafe class RowTask : IParallelTask
{
    private const int RowsPerPart = 4;

    /// <summary>Kernels for the rows' width.</summary>
    public required VectorKernels Kernels { get; set; }

    /// <summary>Input, [Count, ..].</summary>
    public float* Rows { get; set; }

    /// <summary>Number of rows.</summary>
    public int Count { get; set; }

    /// <summary>Elements of a result.</summary>
    public int Width { get; set; }

    /// <summary>Computes all rows.</summary>
    public void Run(WorkerPool pool) => pool.Run(this, (Count + RowsPerPart - 1) / RowsPerPart);

    public void Do(int part, int thread)
    {
        int end = Math.Min(Count, (part + 1) * RowsPerPart);
        for (int row = part * RowsPerPart; row < end; row++)
            Do(row);
    }

    /// <summary>Computes a row.</summary>
    protected abstract void Do(int row);
}

/// <summary>Normalises rows [Count, Width].</summary>
internal sealed unsafe class NormaliseTask : RowTask
{
    /// <summary>[Width], float32 or bfloat16.</summary>
    public void* Weight { get; set; }

    /// <summary>Whether the weight is bfloat16.</summary>
    public bool IsBFloat16 { get; set; }

    /// <summary>Epsilon under the root.</summary>
    public double Epsilon { get; set; }

    /// <summary>Output, [Count, Width].</summary>
    public float* Results { get; set; }

    protected override void Do(int row) =>
        Kernels.Normalise(Rows + (long)row * Width, Weight, IsBFloat16, Width, Epsilon, Results + (long)row * Width);
}

/// <summary>Normalises the first heads of rows [Count, RowStride] in place, each of Width elements.</summary>
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

    /// <summary>Elements from one row to the next.</summary>
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

/// <summary>Quantises rows [Count, Width] to 16-bit integers with a scale each.</summary>
internal sealed unsafe class QuantiseTask : RowTask
{
    /// <summary>Output, [Count, ResultWidth]; zeros after the first Width.</summary>
    public short* Results { get; set; }

    /// <summary>Elements of a result in memory.</summary>
    public int ResultWidth { get; set; }

    /// <summary>Output: scales, [Count].</summary>
    public float* Scales { get; set; }

    protected override void Do(int row)
    {
        short* result = Results + (long)row * ResultWidth;
        Scales[row] = Kernels.Quantise(Rows + (long)row * Width, Width, result);
        new Span<short>(result + Width, ResultWidth - Width).Clear();
    }
}

/// <summary>Gates rows [Count, 2 · Width].</summary>
internal sealed unsafe class GateTask : RowTask
{
    /// <summary>Output, [Count, Width].</summary>
    public float* Results { get; set; }

    protected override void Do(int row)
    {
        float* gate = Rows + 2 * (long)row * Width;
        Kernels.Gate(gate, gate + Width, Width, Results + (long)row * Width);
    }
}
