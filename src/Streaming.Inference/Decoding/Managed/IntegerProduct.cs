using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Streaming.Inference.Decoding.Managed;

/// <summary>
/// Products of rows of 16-bit integers with weights of 8 bits, each with a scale. The sums are exact, so that a result depends neither on
/// the rows beside it nor on the instruction set.
/// </summary>
internal static unsafe class IntegerProduct
{
    /// <summary>
    /// Products that are added up in 32 bits: 2048 · 127 · 32767 in the four lanes that are left at the end of a block is 4 times 2,130,641,408, just
    /// below 2^31 each. What a block sums up to goes on in float64, which is exact up to 2^53.
    /// </summary>
    public const int Block = 2048;

    private const int CachedBytes = 256 * 1024;

    /// <summary>Computes the columns <paramref name="from"/> to <paramref name="to"/> (exclusive) of the results.</summary>
    /// <param name="weights">[.., width], from -127 to 127.</param>
    /// <param name="scales">A scale for each weight.</param>
    /// <param name="width">Numbers of a row, a multiple of the lanes.</param>
    /// <param name="from">The first weight.</param>
    /// <param name="to">The weight after the last.</param>
    /// <param name="rows">[count, width], from -32767 to 32767.</param>
    /// <param name="rowScales">A scale for each row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="results">[count, resultStride], of which one column per weight is written.</param>
    /// <param name="resultStride">Numbers from one row of results to the next.</param>
    /// <param name="add">Adds to what is there instead of replacing it.</param>
    public static void Run<TLanes, TShorts, TInts>(
        sbyte* weights, BFloat16* scales, int width, int from, int to, short* rows, float* rowScales, int count, float* results, int resultStride, bool add)
        where TLanes : struct, IIntegerLanes<TShorts, TInts>
        where TShorts : struct
        where TInts : struct
    {
        int block = Math.Max(4, CachedBytes / (sizeof(short) * width) & ~3);
        for (int first = 0; first < count; first += block)
        {
            int end = Math.Min(count, first + block);
            for (int w = from; w < to; w += FloatProduct.TileWeights)
            {
                int last = Math.Min(to, w + FloatProduct.TileWeights) - 1;
                sbyte* w0 = weights + (long)w * width;
                sbyte* w1 = weights + (long)Math.Min(w + 1, last) * width; // past the end the last again
                sbyte* w2 = weights + (long)Math.Min(w + 2, last) * width;
                sbyte* w3 = weights + (long)Math.Min(w + 3, last) * width;
                var scale = Vector128.Create(
                    scales[w].ToSingle(), scales[Math.Min(w + 1, last)].ToSingle(), scales[Math.Min(w + 2, last)].ToSingle(), scales[Math.Min(w + 3, last)].ToSingle());
                int columns = last - w + 1;
                int r = first;
                while (r < end)
                {
                    short* row = rows + (long)r * width;
                    float* result = results + (long)r * resultStride + w;
                    int tile = Math.Min(TLanes.TileRows, end - r);
                    switch (tile)
                    {
                        case 1: Tile<TLanes, TShorts, TInts, One>(w0, w1, w2, w3, scale, width, row, rowScales + r, result, resultStride, columns, add); break;
                        case 2: Tile<TLanes, TShorts, TInts, Two>(w0, w1, w2, w3, scale, width, row, rowScales + r, result, resultStride, columns, add); break;
                        case 3: Tile<TLanes, TShorts, TInts, Three>(w0, w1, w2, w3, scale, width, row, rowScales + r, result, resultStride, columns, add); break;
                        default: Tile<TLanes, TShorts, TInts, Four>(w0, w1, w2, w3, scale, width, row, rowScales + r, result, resultStride, columns, add); break;
                    }
                    r += tile;
                }
            }
        }
    }

    /// <summary>Four weights by one to four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes, TShorts, TInts, TRows>(
        sbyte* w0, sbyte* w1, sbyte* w2, sbyte* w3, Vector128<float> scale, int width, short* rows, float* rowScales, float* result, int resultStride, int columns, bool add)
        where TLanes : struct, IIntegerLanes<TShorts, TInts>
        where TShorts : struct
        where TInts : struct
        where TRows : struct, ITileCount
    {
        Vector256<double> t0 = default, t1 = default, t2 = default, t3 = default;
        short* r1 = rows + width, r2 = r1 + width, r3 = r2 + width;
        for (int i = 0; i < width;)
        {
            int end = Math.Min(width, i + Block);
            TInts s00 = default, s01 = default, s02 = default, s03 = default;
            TInts s10 = default, s11 = default, s12 = default, s13 = default;
            TInts s20 = default, s21 = default, s22 = default, s23 = default;
            TInts s30 = default, s31 = default, s32 = default, s33 = default;
            for (; i < end; i += TLanes.ShortCount)
            {
                TShorts v0 = TLanes.Load(w0 + i), v1 = TLanes.Load(w1 + i), v2 = TLanes.Load(w2 + i), v3 = TLanes.Load(w3 + i);
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
}
