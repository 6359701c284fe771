using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Products of 16-bit integer rows and int8 weights, with a scale per row and per weight. The sums are exact, so a result depends neither
/// on other rows nor on the instruction set.
/// </summary>
internal static unsafe class IntegerProduct
{
    /// <summary>
    /// Products that are summed up in 32 bits: at the end of a block, 2048 · 127 · 32767 in four lanes is 2,130,641,408 each, just below
    /// 2^31. Sums of blocks are added in float64, which is exact up to 2^53.
    /// </summary>
    public const int Block = 2048;

    private const int TileWeights = FloatProduct.TileWeights;
    private const int CachedBytes = 256 * 1024;

    /// <summary>
    /// Packs weights in the order in which a tile reads them, so that memory is read sequentially: four rows interleaved by vectors. The
    /// last tile may have fewer rows.
    /// </summary>
    /// <param name="rows">[count, width].</param>
    /// <param name="width">Elements of a row, a multiple of the lanes.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="packed">[count · width].</param>
    public static void Pack<TLanes, TShorts, TInts>(sbyte* rows, int width, int count, sbyte* packed)
        where TLanes : struct, IIntegerLanes<TShorts, TInts>
        where TShorts : struct
        where TInts : struct
    {
        for (int w = 0; w < count; w += TileWeights)
        {
            int columns = Math.Min(TileWeights, count - w);
            for (int i = 0; i < width; i += TLanes.ShortCount)
            {
                for (int column = 0; column < columns; column++, packed += TLanes.ShortCount)
                    new ReadOnlySpan<sbyte>(rows + (long)(w + column) * width + i, TLanes.ShortCount).CopyTo(
                        new Span<sbyte>(packed, TLanes.ShortCount)
                    );
            }
        }
    }

    /// <summary>Computes the columns <paramref name="from"/> to <paramref name="to"/> (exclusive) of the results.</summary>
    /// <param name="weights">As <see cref="Pack"/> packs them, [.., width], from -127 to 127.</param>
    /// <param name="scales">A scale per weight.</param>
    /// <param name="width">Elements of a row, a multiple of the lanes.</param>
    /// <param name="from">The first weight, a multiple of four.</param>
    /// <param name="to">The weight after the last.</param>
    /// <param name="rows">[count, width], from -32767 to 32767.</param>
    /// <param name="rowScales">A scale per row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="results">[count, resultStride]; one column per weight is written.</param>
    /// <param name="resultStride">Elements from one row of results to the next.</param>
    /// <param name="add">Whether to add to the existing results instead of replacing them.</param>
    public static void Run<TLanes, TShorts, TInts>(
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
    )
        where TLanes : struct, IIntegerLanes<TShorts, TInts>
        where TShorts : struct
        where TInts : struct
    {
        int block = Math.Max(4, CachedBytes / (sizeof(short) * width) & ~3);
        for (int first = 0; first < count; first += block)
        {
            int end = Math.Min(count, first + block);
            for (int w = from; w < to; w += TileWeights)
            {
                int columns = Math.Min(TileWeights, to - w);
                sbyte* tileWeights = weights + (long)w * width;
                Vector128<float> scale = ScalesOf(scales + w, columns);
                int r = first;
                while (r < end)
                {
                    short* row = rows + (long)r * width;
                    float* result = results + (long)r * resultStride + w;
                    int tile = Math.Min(TLanes.TileRows, end - r);
                    switch (tile)
                    {
                        case 1:
                            Tile<TLanes, TShorts, TInts, One>(
                                tileWeights,
                                columns,
                                scale,
                                width,
                                row,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                        case 2:
                            Tile<TLanes, TShorts, TInts, Two>(
                                tileWeights,
                                columns,
                                scale,
                                width,
                                row,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                        case 3:
                            Tile<TLanes, TShorts, TInts, Three>(
                                tileWeights,
                                columns,
                                scale,
                                width,
                                row,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                        default:
                            Tile<TLanes, TShorts, TInts, Four>(
                                tileWeights,
                                columns,
                                scale,
                                width,
                                row,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                    }
                    r += tile;
                }
            }
        }
    }

    /// <summary>Four weights by one to four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes, TShorts, TInts, TRows>(
        sbyte* weights,
        int columns,
        Vector128<float> scale,
        int width,
        short* rows,
        float* rowScales,
        float* result,
        int resultStride,
        bool add
    )
        where TLanes : struct, IIntegerLanes<TShorts, TInts>
        where TShorts : struct
        where TInts : struct
        where TRows : struct, ITileCount
    {
        Vector256<double> t0 = default,
            t1 = default,
            t2 = default,
            t3 = default;
        int last = columns - 1,
            step = columns * TLanes.ShortCount; // past the end, repeat the last
        int o1 = Math.Min(1, last) * TLanes.ShortCount,
            o2 = Math.Min(2, last) * TLanes.ShortCount,
            o3 = last * TLanes.ShortCount;
        short* r1 = rows + width,
            r2 = r1 + width,
            r3 = r2 + width;
        for (int i = 0; i < width; )
        {
            int end = Math.Min(width, i + Block);
            TInts s00 = default,
                s01 = default,
                s02 = default,
                s03 = default;
            TInts s10 = default,
                s11 = default,
                s12 = default,
                s13 = default;
            TInts s20 = default,
                s21 = default,
                s22 = default,
                s23 = default;
            TInts s30 = default,
                s31 = default,
                s32 = default,
                s33 = default;
            for (; i < end; i += TLanes.ShortCount, weights += step)
            {
                TLanes.Prefetch(weights + ILanes.Ahead);
                TLanes.Prefetch(weights + ILanes.Ahead + ILanes.CacheLine);
                TShorts v0 = TLanes.Load(weights),
                    v1 = TLanes.Load(weights + o1),
                    v2 = TLanes.Load(weights + o2),
                    v3 = TLanes.Load(weights + o3);
                TShorts x = TLanes.Load(rows + i);
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
            t0 += TLanes.Sums(s00, s01, s02, s03);
            if (TRows.Value > 1)
                t1 += TLanes.Sums(s10, s11, s12, s13);
            if (TRows.Value > 2)
                t2 += TLanes.Sums(s20, s21, s22, s23);
            if (TRows.Value > 3)
                t3 += TLanes.Sums(s30, s31, s32, s33);
        }
        ProductResult.Write(Scaled(t0, scale, rowScales[0]), result, columns, add);
        if (TRows.Value > 1)
            ProductResult.Write(Scaled(t1, scale, rowScales[1]), result + resultStride, columns, add);
        if (TRows.Value > 2)
            ProductResult.Write(Scaled(t2, scale, rowScales[2]), result + 2 * (long)resultStride, columns, add);
        if (TRows.Value > 3)
            ProductResult.Write(Scaled(t3, scale, rowScales[3]), result + 3 * (long)resultStride, columns, add);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<float> Scaled(Vector256<double> sums, Vector128<float> scale, float rowScale) =>
            Vector128.Narrow(sums.GetLower(), sums.GetUpper()) * (scale * rowScale);
    }

    private static Vector128<float> ScalesOf(BFloat16* scales, int columns)
    {
        int last = columns - 1;
        return Vector128.Create(
            scales[0].ToSingle(),
            scales[Math.Min(1, last)].ToSingle(),
            scales[Math.Min(2, last)].ToSingle(),
            scales[last].ToSingle()
        );
    }
}
