using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>Kernels for vectors of one width.</summary>
internal abstract unsafe class VectorKernels
{
    /// <summary>All vector widths of a kernel set, widest first.</summary>
    private static VectorKernels[] WidthsOf(KernelSet set) =>
        set switch
        {
            KernelSet.Avx512 =>
            [
                new OfLanes<Avx512Lanes, Vector512<float>, Vector512<short>, Vector512<int>>(),
                .. WidthsOf(KernelSet.Avx2),
            ],
            KernelSet.Avx2 =>
            [
                new OfLanes<Avx2Lanes, Vector256<float>, Vector256<short>, Vector256<int>>(),
                .. WidthsOf(KernelSet.Portable),
            ],
            _ =>
            [
                new OfLanes<PortableLanes, Vector128<float>, Vector128<short>, Vector128<int>>(),
                new OfLanes<ScalarLanes, float, short, long>(),
            ],
        };

    /// <summary>A kernel set for all row widths.</summary>
    public static Choice Of(KernelSet set) => new(WidthsOf(set), IntegerAttention.Of(set), NibbleProduct.Of(set));

    /// <summary>float32 lanes of a vector.</summary>
    protected abstract int FloatCount { get; }

    /// <summary>16-bit integer lanes of a vector.</summary>
    protected abstract int ShortCount { get; }

    /// <inheritdoc cref="FloatProduct.Run"/>
    public abstract void Product(
        void* weights,
        bool bfloat16,
        int width,
        int from,
        int to,
        float* rows,
        int rowStride,
        int count,
        float* results,
        int resultStride,
        bool add
    );

    /// <inheritdoc cref="IntegerProduct.Run"/>
    public abstract void Product(
        sbyte* weights,
        BFloat16* scales,
        int width,
        int from,
        int to,
        short* rows,
        float* rowScales,
        int count,
        float* results,
        int resultStride,
        bool add
    );

    /// <inheritdoc cref="IntegerProduct.Pack"/>
    public abstract void Pack(sbyte* rows, int width, int count, sbyte* packed);

    /// <inheritdoc cref="RowOperations.Normalise"/>
    public abstract void Normalise(float* row, void* weight, bool bfloat16, int width, double epsilon, float* result);

    /// <inheritdoc cref="RowOperations.Quantise"/>
    public abstract float Quantise(float* row, int width, short* result);

    /// <inheritdoc cref="RowOperations.Gate"/>
    public abstract void Gate(float* gate, float* up, int width, float* result);

    /// <inheritdoc cref="RowOperations.ExpOfDifferences"/>
    public abstract float ExpOfDifferences(float* scores, int count);

    /// <inheritdoc cref="RingAttention.Rotate"/>
    public abstract void Rotate(float* head, float* angles, int width, float scale, float* result);

    /// <inheritdoc cref="RingAttention.Run"/>
    public abstract void Attend(in Segment segment, in AttentionHead task, bool bfloat16);

    /// <summary>
    /// Selects the widest vectors whose lanes divide a row, so there are no remainders and the choice depends only on the model.
    /// </summary>
    public sealed class Choice(VectorKernels[] widestFirst, IntegerAttention integers, NibbleProduct nibbles)
    {
        /// <summary>Attention over an int8 cache of any width.</summary>
        public IntegerAttention Integers => integers;

        /// <summary>Products with 4-bit weights.</summary>
        public NibbleProduct Nibbles => nibbles;

        /// <summary>Kernels for rows of float32.</summary>
        public VectorKernels ForFloats(int width)
        {
            foreach (VectorKernels kernels in widestFirst)
            {
                if (width % kernels.FloatCount == 0)
                    return kernels;
            }
            throw new ArgumentOutOfRangeException(nameof(width)); // unreachable: one lane divides every width
        }

        /// <summary>Kernels for rows of 16-bit integers.</summary>
        public VectorKernels ForShorts(int width)
        {
            foreach (VectorKernels kernels in widestFirst)
            {
                if (width % kernels.ShortCount == 0)
                    return kernels;
            }
            throw new ArgumentOutOfRangeException(nameof(width));
        }
    }

    private sealed class OfLanes<TLanes, TFloats, TShorts, TInts> : VectorKernels
        where TLanes : struct, IFloatLanes<TFloats>, IIntegerLanes<TShorts, TInts>
        where TFloats : struct
        where TShorts : struct
        where TInts : struct
    {
        protected override int FloatCount => TLanes.FloatCount;

        protected override int ShortCount => TLanes.ShortCount;

        public override void Product(
            void* weights,
            bool bfloat16,
            int width,
            int from,
            int to,
            float* rows,
            int rowStride,
            int count,
            float* results,
            int resultStride,
            bool add
        )
        {
            if (bfloat16)
                FloatProduct.Run<TLanes, TFloats, BFloat16>(
                    (BFloat16*)weights,
                    width,
                    from,
                    to,
                    rows,
                    rowStride,
                    count,
                    results,
                    resultStride,
                    add
                );
            else
                FloatProduct.Run<TLanes, TFloats, float>(
                    (float*)weights,
                    width,
                    from,
                    to,
                    rows,
                    rowStride,
                    count,
                    results,
                    resultStride,
                    add
                );
        }

        public override void Product(
            sbyte* weights,
            BFloat16* scales,
            int width,
            int from,
            int to,
            short* rows,
            float* rowScales,
            int count,
            float* results,
            int resultStride,
            bool add
        ) =>
            IntegerProduct.Run<TLanes, TShorts, TInts>(
                weights,
                scales,
                width,
                from,
                to,
                rows,
                rowScales,
                count,
                results,
                resultStride,
                add
            );

        public override void Pack(sbyte* rows, int width, int count, sbyte* packed) =>
            IntegerProduct.Pack<TLanes, TShorts, TInts>(rows, width, count, packed);

        public override void Normalise(float* row, void* weight, bool bfloat16, int width, double epsilon, float* result)
        {
            if (bfloat16)
                RowOperations.Normalise<TLanes, TFloats, BFloat16>(row, (BFloat16*)weight, width, epsilon, result);
            else
                RowOperations.Normalise<TLanes, TFloats, float>(row, (float*)weight, width, epsilon, result);
        }

        public override float Quantise(float* row, int width, short* result) => RowOperations.Quantise<TLanes, TFloats>(row, width, result);

        public override void Gate(float* gate, float* up, int width, float* result) =>
            RowOperations.Gate<TLanes, TFloats>(gate, up, width, result);

        public override float ExpOfDifferences(float* scores, int count) => RowOperations.ExpOfDifferences<TLanes, TFloats>(scores, count);

        public override void Rotate(float* head, float* angles, int width, float scale, float* result) =>
            RingAttention.Rotate<TLanes, TFloats>(head, angles, width, scale, result);

        public override void Attend(in Segment segment, in AttentionHead task, bool bfloat16)
        {
            if (bfloat16)
                RingAttention.Run<TLanes, TFloats, BFloat16>(segment, task);
            else
                RingAttention.Run<TLanes, TFloats, float>(segment, task);
        }
    }
}
