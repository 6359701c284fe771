using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Products of 16-bit integer rows and 4-bit weights, of which <see cref="Group"/> share a scale. A group's sum is exact. Groups are
/// summed up in float32 in order, so a result does not depend on other rows. Weights are unsigned, 0 to 15; eight times the row's sums
/// are subtracted afterwards.
/// </summary>
internal abstract unsafe class NibbleProduct
{
    /// <summary>Weights that share a scale.</summary>
    public const int Group = 32;

    /// <summary>A row's width in memory is a multiple of this: two of the widest vectors.</summary>
    private const int WidthMultiple = 64;

    private const int TileWeights = FloatProduct.TileWeights;
    private const int Bias = 8;

    /// <summary>A row's width in memory. The elements beyond its own width are zeros.</summary>
    public static int Padded(int width) => (width + WidthMultiple - 1) / WidthMultiple * WidthMultiple;

    /// <summary>The widest vectors of a kernel set.</summary>
    public static NibbleProduct Of(KernelSet set) =>
        set switch
        {
            KernelSet.Avx512 => new OfLanes<Avx512Lanes, Vector512<float>, Vector512<short>, Vector512<int>>(),
            KernelSet.Avx2 => new OfLanes<Avx2Lanes, Vector256<float>, Vector256<short>, Vector256<int>>(),
            _ => new OfLanes<PortableLanes, Vector128<float>, Vector128<short>, Vector128<int>>(),
        };

    /// <summary>
    /// Packs weights in the order in which a tile reads them: four rows interleaved by pairs of vectors, the first vector in the low and
    /// the second in the high nibbles of the bytes. The last tile may have fewer rows.
    /// </summary>
    /// <param name="rows">[count, width], from -8 to 7.</param>
    /// <param name="width">Elements of a row, as <see cref="Padded"/> gives it.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="packed">[count · width / 2].</param>
    public abstract void Pack(sbyte* rows, int width, int count, byte* packed);

    /// <summary>Eight times the sum of each group of a row [width]: [width / <see cref="Group"/>].</summary>
    public abstract void SumGroups(short* row, int width, float* sums);

    /// <summary>Computes the columns <paramref name="from"/> to <paramref name="to"/> (exclusive) of the results.</summary>
    /// <param name="weights">As <see cref="Pack"/> packs them, [.., width / 2].</param>
    /// <param name="scales">[.., width / <see cref="Group"/>].</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="from">The first weight, a multiple of four.</param>
    /// <param name="to">The weight after the last.</param>
    /// <param name="rows">[count, width], from -32767 to 32767.</param>
    /// <param name="rowSums">Results of <see cref="SumGroups"/> for each row, [count, width / <see cref="Group"/>].</param>
    /// <param name="rowScales">A scale per row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="results">[count, resultStride]; one column per weight is written.</param>
    /// <param name="resultStride">Elements from one row of results to the next.</param>
    /// <param name="add">Whether to add to the existing results instead of replacing them.</param>
    public abstract void Run(
        byte* weights,
        BFloat16* scales,
        int width,
        int from,
        int to,
        short* rows,
        float* rowSums,
        float* rowScales,
        int count,
        float* results,
        int resultStride,
        bool add
    );

    private sealed class OfLanes<TLanes, TFloats, TShorts, TInts> : NibbleProduct
        where TLanes : struct, IPairLanes<TFloats, TShorts, TInts>
        where TFloats : struct
        where TShorts : struct
        where TInts : struct
    {
        private static int Lanes => 2 * TLanes.FloatCount;

        public override void Pack(sbyte* rows, int width, int count, byte* packed)
        {
            for (int w = 0; w < count; w += TileWeights)
            {
                int columns = Math.Min(TileWeights, count - w);
                for (int i = 0; i < width; i += 2 * Lanes)
                {
                    for (int column = 0; column < columns; column++)
                    {
                        sbyte* numbers = rows + (long)(w + column) * width + i;
                        for (int lane = 0; lane < Lanes; lane++)
                            *packed++ = (byte)(numbers[lane] + Bias | numbers[Lanes + lane] + Bias << 4);
                    }
                }
            }
        }

        public override void SumGroups(short* row, int width, float* sums)
        {
            short* ones = stackalloc short[2];
            ones[0] = ones[1] = Bias;
            for (int i = 0; i < width; i += Group, sums++)
            {
                TInts sum = default;
                for (int lane = 0; lane < Group; lane += Lanes)
                    sum = TLanes.MultiplyAddPairs(TLanes.Load(row + i + lane), TLanes.BroadcastPair(ones), sum);
                *sums = TLanes.Sum(TLanes.ToFloats(sum)); // exact: below 2^24
            }
        }

        public override void Run(
            byte* weights,
            BFloat16* scales,
            int width,
            int from,
            int to,
            short* rows,
            float* rowSums,
            float* rowScales,
            int count,
            float* results,
            int resultStride,
            bool add
        )
        {
            int groups = width / Group;
            float* tileScales = stackalloc float[TileWeights * groups];
            for (int w = from; w < to; w += TileWeights)
            {
                int columns = Math.Min(TileWeights, to - w),
                    last = columns - 1;
                for (int column = 0; column < TileWeights; column++) // past the end, repeat the last
                {
                    BFloat16* ofRow = scales + (long)(w + Math.Min(column, last)) * groups;
                    for (int g = 0; g < groups; g++)
                        tileScales[g * TileWeights + column] = ofRow[g].ToSingle();
                }
                byte* tile = weights + (long)w * width / 2;
                for (int r = 0; r < count; r += TileRows)
                {
                    short* row = rows + (long)r * width;
                    float* result = results + (long)r * resultStride + w;
                    switch (Math.Min(TileRows, count - r))
                    {
                        case 1:
                            Tile<One>(
                                tile,
                                columns,
                                tileScales,
                                width,
                                row,
                                rowSums + (long)r * groups,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                        default:
                            Tile<Two>(
                                tile,
                                columns,
                                tileScales,
                                width,
                                row,
                                rowSums + (long)r * groups,
                                rowScales + r,
                                result,
                                resultStride,
                                add
                            );
                            break;
                    }
                }
            }
        }

        /// <summary>Rows of a tile, so that sums and weights stay in registers.</summary>
        private const int TileRows = 2;

        /// <summary>Four weights by one or two rows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Tile<TRows>(
            byte* weights,
            int columns,
            float* scales,
            int width,
            short* rows,
            float* rowSums,
            float* rowScales,
            float* result,
            int resultStride,
            bool add
        )
            where TRows : struct, ITileCount
        {
            int lanes = Lanes,
                last = columns - 1,
                step = columns * lanes;
            int o1 = Math.Min(1, last) * lanes,
                o2 = Math.Min(2, last) * lanes,
                o3 = last * lanes;
            short* r1 = rows + width;
            TFloats a0 = default,
                a1 = default,
                a2 = default,
                a3 = default;
            TFloats b0 = default,
                b1 = default,
                b2 = default,
                b3 = default;
            for (int i = 0; i < width; i += 2 * lanes, weights += step)
            {
                TLanes.Prefetch(weights + ILanes.Ahead);
                TLanes.Prefetch(weights + ILanes.Ahead + ILanes.CacheLine);
                float* low = scales + i / Group * TileWeights,
                    high = scales + (i + lanes) / Group * TileWeights;
                TShorts x = TLanes.Load(rows + i),
                    y = TLanes.Load(rows + i + lanes);
                TShorts u = TRows.Value > 1 ? TLanes.Load(r1 + i) : x,
                    v = TRows.Value > 1 ? TLanes.Load(r1 + i + lanes) : y;

                TLanes.LoadNibbles(weights, out TShorts l, out TShorts h);
                a0 = Add(Add(a0, l, x, low[0]), h, y, high[0]);
                if (TRows.Value > 1)
                    b0 = Add(Add(b0, l, u, low[0]), h, v, high[0]);
                TLanes.LoadNibbles(weights + o1, out l, out h);
                a1 = Add(Add(a1, l, x, low[1]), h, y, high[1]);
                if (TRows.Value > 1)
                    b1 = Add(Add(b1, l, u, low[1]), h, v, high[1]);
                TLanes.LoadNibbles(weights + o2, out l, out h);
                a2 = Add(Add(a2, l, x, low[2]), h, y, high[2]);
                if (TRows.Value > 1)
                    b2 = Add(Add(b2, l, u, low[2]), h, v, high[2]);
                TLanes.LoadNibbles(weights + o3, out l, out h);
                a3 = Add(Add(a3, l, x, low[3]), h, y, high[3]);
                if (TRows.Value > 1)
                    b3 = Add(Add(b3, l, u, low[3]), h, v, high[3]);
            }
            int groups = width / Group;
            ProductResult.Write((TLanes.Sums(a0, a1, a2, a3) - Biases(scales, rowSums, groups)) * rowScales[0], result, columns, add);
            if (TRows.Value > 1)
                ProductResult.Write(
                    (TLanes.Sums(b0, b1, b2, b3) - Biases(scales, rowSums + groups, groups)) * rowScales[1],
                    result + resultStride,
                    columns,
                    add
                );

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            static TFloats Add(TFloats sums, TShorts weights, TShorts row, float scale) =>
                TLanes.MultiplyAdd(TLanes.ToFloats(TLanes.MultiplyPairs(weights, row)), TLanes.Broadcast(scale), sums);
        }

        /// <summary>The contribution of the weights' bias to four sums.</summary>
        private static Vector128<float> Biases(float* scales, float* rowSums, int groups)
        {
            Vector128<float> sums = default;
            for (int g = 0; g < groups; g++)
                sums += Vector128.Load(scales + g * TileWeights) * rowSums[g];
            return sums;
        }
    }
}
