using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Products of float32 rows and float32 or bfloat16 weights. Each sum has one vector accumulator along the row in every tile size, so a
/// row's result does not depend on the other rows.
/// </summary>
internal static unsafe class FloatProduct
{
    /// <summary>Weights of a tile.</summary>
    public const int TileWeights = 4;

    /// <summary>Bytes of rows that are multiplied with all weights at a time; they stay in a core's cache.</summary>
    private const int CachedBytes = 256 * 1024;

    /// <summary>Computes the columns <paramref name="from"/> to <paramref name="to"/> (exclusive) of the results.</summary>
    /// <param name="weights">[.., width].</param>
    /// <param name="width">Elements of a row, a multiple of the lanes.</param>
    /// <param name="from">The first weight.</param>
    /// <param name="to">The weight after the last.</param>
    /// <param name="rows">[count, rowStride].</param>
    /// <param name="rowStride">Elements from one row to the next.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="results">[count, resultStride]; one column per weight is written.</param>
    /// <param name="resultStride">Elements from one row of results to the next.</param>
    /// <param name="add">Whether to add to the existing results instead of replacing them.</param>
    public static void Run<TLanes, TFloats, TElement>(
        TElement* weights,
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
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
    {
        int block = Math.Max(4, CachedBytes / (sizeof(float) * width) & ~3);
        for (int first = 0; first < count; first += block)
        {
            int end = Math.Min(count, first + block);
            for (int w = from; w < to; w += TileWeights)
            {
                int last = Math.Min(to, w + TileWeights) - 1;
                TElement* w0 = weights + (long)w * width;
                TElement* w1 = weights + (long)Math.Min(w + 1, last) * width; // past the end, repeat the last
                TElement* w2 = weights + (long)Math.Min(w + 2, last) * width;
                TElement* w3 = weights + (long)Math.Min(w + 3, last) * width;
                int columns = last - w + 1;
                for (int r = first; r < end; r += 4)
                {
                    float* row = rows + (long)r * rowStride;
                    float* result = results + (long)r * resultStride + w;
                    switch (end - r)
                    {
                        case 1:
                            Tile<TLanes, TFloats, TElement, One>(w0, w1, w2, w3, width, row, rowStride, result, resultStride, columns, add);
                            break;
                        case 2:
                            Tile<TLanes, TFloats, TElement, Two>(w0, w1, w2, w3, width, row, rowStride, result, resultStride, columns, add);
                            break;
                        case 3:
                            Tile<TLanes, TFloats, TElement, Three>(
                                w0,
                                w1,
                                w2,
                                w3,
                                width,
                                row,
                                rowStride,
                                result,
                                resultStride,
                                columns,
                                add
                            );
                            break;
                        default:
                            Tile<TLanes, TFloats, TElement, Four>(
                                w0,
                                w1,
                                w2,
                                w3,
                                width,
                                row,
                                rowStride,
                                result,
                                resultStride,
                                columns,
                                add
                            );
                            break;
                    }
                }
            }
        }
    }

    /// <summary>Four weights by one to four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes, TFloats, TElement, TRows>(
        TElement* w0,
        TElement* w1,
        TElement* w2,
        TElement* w3,
        int width,
        float* rows,
        int rowStride,
        float* result,
        int resultStride,
        int columns,
        bool add
    )
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
        where TRows : struct, ITileCount
    {
        TFloats s00 = default,
            s01 = default,
            s02 = default,
            s03 = default;
        TFloats s10 = default,
            s11 = default,
            s12 = default,
            s13 = default;
        TFloats s20 = default,
            s21 = default,
            s22 = default,
            s23 = default;
        TFloats s30 = default,
            s31 = default,
            s32 = default,
            s33 = default;
        float* r1 = rows + rowStride,
            r2 = r1 + rowStride,
            r3 = r2 + rowStride;
        for (int i = 0; i < width; i += TLanes.FloatCount)
        {
            for (int line = 0; line < TileWeights * TLanes.FloatCount * sizeof(TElement); line += ILanes.CacheLine)
                TLanes.Prefetch((byte*)(w0 + (long)TileWeights * i) + ILanes.Ahead + line);
            TFloats v0 = Load(w0 + i),
                v1 = Load(w1 + i),
                v2 = Load(w2 + i),
                v3 = Load(w3 + i);
            TFloats x = TLanes.Load(rows + i);
            s00 = TLanes.MultiplyAdd(v0, x, s00);
            s01 = TLanes.MultiplyAdd(v1, x, s01);
            s02 = TLanes.MultiplyAdd(v2, x, s02);
            s03 = TLanes.MultiplyAdd(v3, x, s03);
            if (TRows.Value > 1)
            {
                x = TLanes.Load(r1 + i);
                s10 = TLanes.MultiplyAdd(v0, x, s10);
                s11 = TLanes.MultiplyAdd(v1, x, s11);
                s12 = TLanes.MultiplyAdd(v2, x, s12);
                s13 = TLanes.MultiplyAdd(v3, x, s13);
            }
            if (TRows.Value > 2)
            {
                x = TLanes.Load(r2 + i);
                s20 = TLanes.MultiplyAdd(v0, x, s20);
                s21 = TLanes.MultiplyAdd(v1, x, s21);
                s22 = TLanes.MultiplyAdd(v2, x, s22);
                s23 = TLanes.MultiplyAdd(v3, x, s23);
            }
            if (TRows.Value > 3)
            {
                x = TLanes.Load(r3 + i);
                s30 = TLanes.MultiplyAdd(v0, x, s30);
                s31 = TLanes.MultiplyAdd(v1, x, s31);
                s32 = TLanes.MultiplyAdd(v2, x, s32);
                s33 = TLanes.MultiplyAdd(v3, x, s33);
            }
        }
        ProductResult.Write(TLanes.Sums(s00, s01, s02, s03), result, columns, add);
        if (TRows.Value > 1)
            ProductResult.Write(TLanes.Sums(s10, s11, s12, s13), result + resultStride, columns, add);
        if (TRows.Value > 2)
            ProductResult.Write(TLanes.Sums(s20, s21, s22, s23), result + 2 * (long)resultStride, columns, add);
        if (TRows.Value > 3)
            ProductResult.Write(TLanes.Sums(s30, s31, s32, s33), result + 3 * (long)resultStride, columns, add);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static TFloats Load(TElement* source) =>
            typeof(TElement) == typeof(float) ? TLanes.Load((float*)source) : TLanes.Load((BFloat16*)source);
    }
}

/// <summary>Stores a tile's four results.</summary>
internal static unsafe class ProductResult
{
    /// <summary>Writes the first <paramref name="columns"/> of four results, or adds them to the existing ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Vector128<float> four, float* result, int columns, bool add)
    {
        if (columns == FloatProduct.TileWeights)
            (add ? Vector128.Load(result) + four : four).Store(result);
        else
            WriteSome(four, result, columns, add);
    }

    private static void WriteSome(Vector128<float> four, float* result, int columns, bool add)
    {
        for (int i = 0; i < columns; i++)
            result[i] = add ? result[i] + four[i] : four[i];
    }
}
