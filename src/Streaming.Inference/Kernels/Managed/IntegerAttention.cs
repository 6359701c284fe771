using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Caching;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Attention over an int8 sink cache. As <see cref="RingAttention"/>, but queries and weights have 16 bits, and scores and weighted sums
/// are exact integer sums. Each column of scores is a place of the slot; places that a token does not see get weight 0. Constant biases
/// are not in the cache: <see cref="BiasScores"/> adds the keys', and the weighted sum of equal values is the value itself.
/// </summary>
internal abstract unsafe class IntegerAttention
{
    /// <summary>Places whose weighted values are summed up in 32 bits: 512 · 127 · 32767 is just below 2^31.</summary>
    private const int Block = 512;

    /// <summary>Places whose values are prefetched together.</summary>
    private const int PlacesAtOnce = 32;

    /// <summary>The widest vectors of a kernel set.</summary>
    public static IntegerAttention Of(KernelSet set) =>
        set switch
        {
            KernelSet.Avx512 => new OfLanes<Avx512Lanes, Vector512<float>, Vector512<short>, Vector512<int>>(),
            KernelSet.Avx2 => new OfLanes<Avx2Lanes, Vector256<float>, Vector256<short>, Vector256<int>>(),
            _ => new OfLanes<PortableLanes, Vector128<float>, Vector128<short>, Vector128<int>>(),
        };

    /// <summary>Places in a block of keys.</summary>
    public abstract int Lanes { get; }

    /// <summary>Size of a workspace, in float32.</summary>
    public static int WorkspaceSize(int groups, int headDim, int scoreStride)
    {
        int padded = IntegerCache.Padded(headDim);
        int bias = groups * BiasScores.ProductSize(headDim) + BiasScores.WorkspaceSize(headDim) + 4 * scoreStride;
        return padded
            + 3 * AttentionHead.Padded(groups)
            + groups * scoreStride
            + bias
            + (2 * groups * padded + groups * scoreStride + 1) / 2;
    }

    /// <summary>
    /// Computes a segment's attention for one key-value head; <paramref name="rows"/> are the kernels for half a head's width, and
    /// <paramref name="angles"/> those of the conversation if there is a <see cref="AttentionHead.KeyBias"/>.
    /// </summary>
    public abstract void Run(in Segment segment, in AttentionHead task, VectorKernels rows, BiasAngles? angles);

    private sealed class OfLanes<TLanes, TFloats, TShorts, TInts> : IntegerAttention
        where TLanes : struct, IPairLanes<TFloats, TShorts, TInts>
        where TFloats : struct
        where TShorts : struct
        where TInts : struct
    {
        public override int Lanes => TLanes.FloatCount;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run(in Segment segment, in AttentionHead task, VectorKernels rows, BiasAngles? angles)
        {
            int d = task.HeadDim,
                padded = IntegerCache.Padded(d),
                groups = task.Groups,
                stride = task.ScoreStride;
            float scale = (float)(1 / Math.Sqrt(d));
            float* rotated = task.Workspace; // [D]
            float* scales = rotated + padded; // [3, groups]: queries to the window, queries to the sinks, weights
            float* scores = scales + 3 * AttentionHead.Padded(groups); // [groups, score stride]
            float* products = scores + (long)groups * stride; // [groups, 2, padded D/2]
            int productSize = BiasScores.ProductSize(d);
            float* turned = products + groups * productSize,
                shares = turned + BiasScores.WorkspaceSize(d); // [4, score stride]
            short* toWindow = (short*)(shares + 4 * (long)stride); // [groups, padded D]
            short* toSinks = toWindow + groups * padded; // [groups, padded D]
            short* weights = toSinks + groups * padded; // [groups, score stride]
            float* windowScales = scales,
                sinkScales = scales + AttentionHead.Padded(groups),
                weightScales = sinkScales + AttentionHead.Padded(groups);
            sbyte* keys = (sbyte*)task.Keys;
            sbyte* values = (sbyte*)task.Values;
            CacheLayout layout = segment.Layout;
            for (int t = 0; t < segment.Ids.Length; t++)
            {
                float* row = task.Projected + (long)t * task.ProjectedStride;
                float* own = task.ToOwn + (long)t * d,
                    sinks = task.ToSinks + (long)t * d;
                long position = segment.Position + t;
                int place = layout.PlaceOf(position);
                rows.Rotate(row + task.KeyAt, own, d, 1, rotated);
                task.KeyScales[place] = IntegerCache.StoreKey(rotated, d, keys, place, TLanes.FloatCount);
                task.ValueScales[place] = IntegerCache.StoreValue(row + task.ValueAt, d, values, place);
                for (int g = 0; g < groups; g++)
                {
                    rows.Rotate(row + task.QueryAt + g * d, own, d, scale, rotated);
                    windowScales[g] = rows.Quantise(rotated, d, toWindow + g * padded);
                    rows.Rotate(row + task.QueryAt + g * d, sinks, d, scale, rotated);
                    sinkScales[g] = rows.Quantise(rotated, d, toSinks + g * padded);
                    if (angles is not null)
                        BiasScores.Multiply(rotated, task.KeyBias, d, products + g * productSize);
                }

                var seen = PlaceRanges.SeenBy(layout, position, segment.Fed + t);
                int end = seen.End,
                    whole = (end + TLanes.FloatCount - 1) / TLanes.FloatCount * TLanes.FloatCount;
                float* attended = task.Attended + (long)t * task.AttendedStride;
                for (int g = 0; g < groups; g += 4)
                {
                    int count = Math.Min(4, groups - g);
                    float* ofGroup = scores + (long)g * stride;
                    Scores(
                        keys,
                        d,
                        task.KeyScales,
                        toWindow + g * padded,
                        windowScales + g,
                        padded,
                        count,
                        seen.FixedPlaces,
                        end,
                        ofGroup,
                        stride
                    );
                    SinkScores(
                        keys,
                        d,
                        task.KeyScales,
                        toSinks + g * padded,
                        sinkScales + g,
                        padded,
                        count,
                        seen.FixedPlaces,
                        ofGroup,
                        stride
                    );
                    if (angles is null)
                        continue;
                    BiasScores.Run<TLanes, TFloats>(products + g * productSize, count, angles, seen.Count, turned, shares, stride);
                    for (int q = 0; q < count; q++)
                        BiasScores.Add<TLanes, TFloats>(shares + q * stride, seen, layout.Places, place, ofGroup + q * stride);
                }
                TLanes.PrefetchFar(values, ILanes.Ahead); // while the weights are computed
                for (int g = 0; g < groups; g++)
                {
                    float* ofQuery = scores + (long)g * stride;
                    seen.HideOthers(ofQuery, whole);
                    float sum = RowOperations.ExpOfDifferences<TLanes, TFloats>(ofQuery, whole);
                    for (int i = 0; i < whole; i += TLanes.FloatCount)
                        TLanes.Store(TLanes.Multiply(TLanes.Load(ofQuery + i), TLanes.Load(task.ValueScales + i)), ofQuery + i);
                    weightScales[g] = RowOperations.Quantise<TLanes, TFloats>(ofQuery, whole, weights + (long)g * stride) / sum;
                }
                for (int g = 0; g < groups; g += 4)
                    Sums(values, d, weights + (long)g * stride, stride, weightScales + g, Math.Min(4, groups - g), end, attended + g * d);
                if (task.ValueBias is not null)
                    AddToEach(attended, groups, task.ValueBias, d);
            }
        }

        private static void AddToEach(float* rows, int count, float* bias, int width)
        {
            for (int r = 0; r < count; r++, rows += width)
            {
                for (int i = 0; i < width; i++)
                    rows[i] += bias[i];
            }
        }

        /// <summary>
        /// Scores of the fixed places; keeps scores of window places in the last block.
        /// </summary>
        private static void SinkScores(
            sbyte* keys,
            int width,
            float* keyScales,
            short* queries,
            float* queryScales,
            int queryStride,
            int count,
            int places,
            float* scores,
            int stride
        )
        {
            int lanes = TLanes.FloatCount,
                blocks = places / lanes * lanes,
                rest = places - blocks;
            Scores(keys, width, keyScales, queries, queryScales, queryStride, count, 0, blocks, scores, stride);
            if (rest == 0)
                return;
            float* last = stackalloc float[4 * IntegerCache.Multiple];
            Scores(keys, width, keyScales, queries, queryScales, queryStride, count, blocks, places, last - blocks, IntegerCache.Multiple);
            for (int q = 0; q < count; q++)
                new ReadOnlySpan<float>(last + q * IntegerCache.Multiple, rest).CopyTo(
                    new Span<float>(scores + (long)q * stride + blocks, rest)
                );
        }

        /// <summary>
        /// Scores of the blocks that hold the places <paramref name="from"/> to <paramref name="to"/> (exclusive), for one to four
        /// queries.
        /// </summary>
        private static void Scores(
            sbyte* keys,
            int width,
            float* keyScales,
            short* queries,
            float* queryScales,
            int queryStride,
            int count,
            int from,
            int to,
            float* scores,
            int stride
        )
        {
            int lanes = TLanes.FloatCount,
                place = from / lanes * lanes;
            for (; place + lanes < to; place += 2 * lanes)
                ScoreTiles<Two>(keys, width, keyScales, queries, queryScales, queryStride, count, place, scores, stride);
            if (place < to)
                ScoreTiles<One>(keys, width, keyScales, queries, queryScales, queryStride, count, place, scores, stride);
        }

        private static void ScoreTiles<TBlocks>(
            sbyte* keys,
            int width,
            float* keyScales,
            short* queries,
            float* queryScales,
            int queryStride,
            int count,
            int place,
            float* scores,
            int stride
        )
            where TBlocks : struct, ITileCount
        {
            switch (count)
            {
                case 1:
                    ScoreTile<One, TBlocks>(keys, width, keyScales, queries, queryScales, queryStride, place, scores, stride);
                    break;
                case 2:
                    ScoreTile<Two, TBlocks>(keys, width, keyScales, queries, queryScales, queryStride, place, scores, stride);
                    break;
                case 3:
                    ScoreTile<Three, TBlocks>(keys, width, keyScales, queries, queryScales, queryStride, place, scores, stride);
                    break;
                default:
                    ScoreTile<Four, TBlocks>(keys, width, keyScales, queries, queryScales, queryStride, place, scores, stride);
                    break;
            }
        }

        /// <summary>A tile: one or two blocks of places, one to four queries.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void ScoreTile<TQueries, TBlocks>(
            sbyte* keys,
            int width,
            float* keyScales,
            short* queries,
            float* queryScales,
            int queryStride,
            int place,
            float* scores,
            int stride
        )
            where TQueries : struct, ITileCount
            where TBlocks : struct, ITileCount
        {
            int lanes = TLanes.FloatCount,
                blockBytes = lanes * width;
            sbyte* key = keys + (long)place * width;
            short* q1 = queries + queryStride,
                q2 = q1 + queryStride,
                q3 = q2 + queryStride;
            TInts a0 = default,
                a1 = default,
                a2 = default,
                a3 = default;
            TInts b0 = default,
                b1 = default,
                b2 = default,
                b3 = default;
            TLanes.PrefetchFar(key + ILanes.Ahead, TBlocks.Value * blockBytes);
            for (int i = 0; i < width; i += 2, key += 2 * lanes)
            {
                TShorts k = TLanes.LoadPairs(key),
                    l = TBlocks.Value > 1 ? TLanes.LoadPairs(key + blockBytes) : k;
                TShorts q = TLanes.BroadcastPair(queries + i);
                a0 = TLanes.MultiplyAddPairs(k, q, a0);
                if (TBlocks.Value > 1)
                    b0 = TLanes.MultiplyAddPairs(l, q, b0);
                if (TQueries.Value > 1)
                {
                    q = TLanes.BroadcastPair(q1 + i);
                    a1 = TLanes.MultiplyAddPairs(k, q, a1);
                    if (TBlocks.Value > 1)
                        b1 = TLanes.MultiplyAddPairs(l, q, b1);
                }
                if (TQueries.Value > 2)
                {
                    q = TLanes.BroadcastPair(q2 + i);
                    a2 = TLanes.MultiplyAddPairs(k, q, a2);
                    if (TBlocks.Value > 1)
                        b2 = TLanes.MultiplyAddPairs(l, q, b2);
                }
                if (TQueries.Value > 3)
                {
                    q = TLanes.BroadcastPair(q3 + i);
                    a3 = TLanes.MultiplyAddPairs(k, q, a3);
                    if (TBlocks.Value > 1)
                        b3 = TLanes.MultiplyAddPairs(l, q, b3);
                }
            }
            TFloats first = TLanes.Load(keyScales + place),
                second = TBlocks.Value > 1 ? TLanes.Load(keyScales + place + lanes) : first;
            float* score = scores + place;
            Write(a0, b0, first, second, queryScales[0], score);
            if (TQueries.Value > 1)
                Write(a1, b1, first, second, queryScales[1], score + stride);
            if (TQueries.Value > 2)
                Write(a2, b2, first, second, queryScales[2], score + 2 * (long)stride);
            if (TQueries.Value > 3)
                Write(a3, b3, first, second, queryScales[3], score + 3 * (long)stride);

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            static void Write(TInts a, TInts b, TFloats first, TFloats second, float queryScale, float* target)
            {
                TFloats s = TLanes.Broadcast(queryScale);
                TLanes.Store(TLanes.Multiply(TLanes.ToFloats(a), TLanes.Multiply(first, s)), target);
                if (TBlocks.Value > 1)
                    TLanes.Store(TLanes.Multiply(TLanes.ToFloats(b), TLanes.Multiply(second, s)), target + TLanes.FloatCount);
            }
        }

        /// <summary>Weighted sums of the values of the first <paramref name="places"/> for one to four queries, [count, width].</summary>
        private static void Sums(
            sbyte* values,
            int width,
            short* weights,
            int stride,
            float* weightScales,
            int count,
            int places,
            float* results
        )
        {
            int i = 0;
            for (; i + TLanes.FloatCount < width; i += 2 * TLanes.FloatCount)
                SumTiles<Two>(values, width, weights, stride, weightScales, count, places, i, results);
            if (i < width)
                SumTiles<One>(values, width, weights, stride, weightScales, count, places, i, results);
        }

        private static void SumTiles<TVectors>(
            sbyte* values,
            int width,
            short* weights,
            int stride,
            float* weightScales,
            int count,
            int places,
            int at,
            float* results
        )
            where TVectors : struct, ITileCount
        {
            switch (count)
            {
                case 1:
                    SumTile<One, TVectors>(values, width, weights, stride, weightScales, places, at, results);
                    break;
                case 2:
                    SumTile<Two, TVectors>(values, width, weights, stride, weightScales, places, at, results);
                    break;
                case 3:
                    SumTile<Three, TVectors>(values, width, weights, stride, weightScales, places, at, results);
                    break;
                default:
                    SumTile<Four, TVectors>(values, width, weights, stride, weightScales, places, at, results);
                    break;
            }
        }

        /// <summary>A tile: one or two vectors of the width from <paramref name="at"/> on, one to four queries.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void SumTile<TQueries, TVectors>(
            sbyte* values,
            int width,
            short* weights,
            int stride,
            float* weightScales,
            int places,
            int at,
            float* results
        )
            where TQueries : struct, ITileCount
            where TVectors : struct, ITileCount
        {
            int lanes = TLanes.FloatCount,
                padded = IntegerCache.Padded(width);
            short* w1 = weights + stride,
                w2 = w1 + stride,
                w3 = w2 + stride;
            TFloats f0 = default,
                f1 = default,
                f2 = default,
                f3 = default;
            TFloats g0 = default,
                g1 = default,
                g2 = default,
                g3 = default;
            for (int place = 0; place < places; )
            {
                int end = Math.Min(places, place + Block);
                TInts a0 = default,
                    a1 = default,
                    a2 = default,
                    a3 = default;
                TInts b0 = default,
                    b1 = default,
                    b2 = default,
                    b3 = default;
                sbyte* value = values + (long)place * padded + 2 * at;
                for (; place < end; place += 2, value += 2 * padded)
                {
                    if (at == 0 && place % PlacesAtOnce == 0) // the first pass prefetches all values
                        TLanes.PrefetchFar(value + ILanes.Ahead, PlacesAtOnce * padded);
                    TShorts v = TLanes.LoadPairs(value),
                        u = TVectors.Value > 1 ? TLanes.LoadPairs(value + 2 * lanes) : v;
                    TShorts w = TLanes.BroadcastPair(weights + place);
                    a0 = TLanes.MultiplyAddPairs(v, w, a0);
                    if (TVectors.Value > 1)
                        b0 = TLanes.MultiplyAddPairs(u, w, b0);
                    if (TQueries.Value > 1)
                    {
                        w = TLanes.BroadcastPair(w1 + place);
                        a1 = TLanes.MultiplyAddPairs(v, w, a1);
                        if (TVectors.Value > 1)
                            b1 = TLanes.MultiplyAddPairs(u, w, b1);
                    }
                    if (TQueries.Value > 2)
                    {
                        w = TLanes.BroadcastPair(w2 + place);
                        a2 = TLanes.MultiplyAddPairs(v, w, a2);
                        if (TVectors.Value > 1)
                            b2 = TLanes.MultiplyAddPairs(u, w, b2);
                    }
                    if (TQueries.Value > 3)
                    {
                        w = TLanes.BroadcastPair(w3 + place);
                        a3 = TLanes.MultiplyAddPairs(v, w, a3);
                        if (TVectors.Value > 1)
                            b3 = TLanes.MultiplyAddPairs(u, w, b3);
                    }
                }
                f0 = TLanes.Add(f0, TLanes.ToFloats(a0));
                f1 = TLanes.Add(f1, TLanes.ToFloats(a1));
                f2 = TLanes.Add(f2, TLanes.ToFloats(a2));
                f3 = TLanes.Add(f3, TLanes.ToFloats(a3));
                g0 = TLanes.Add(g0, TLanes.ToFloats(b0));
                g1 = TLanes.Add(g1, TLanes.ToFloats(b1));
                g2 = TLanes.Add(g2, TLanes.ToFloats(b2));
                g3 = TLanes.Add(g3, TLanes.ToFloats(b3));
            }
            float* result = results + at;
            int columns = Math.Min(width - at, TVectors.Value * lanes);
            Write(f0, g0, weightScales[0], result, columns);
            if (TQueries.Value > 1)
                Write(f1, g1, weightScales[1], result + width, columns);
            if (TQueries.Value > 2)
                Write(f2, g2, weightScales[2], result + 2 * width, columns);
            if (TQueries.Value > 3)
                Write(f3, g3, weightScales[3], result + 3 * width, columns);

            static void Write(TFloats f, TFloats g, float weightScale, float* result, int columns)
            {
                TFloats scale = TLanes.Broadcast(weightScale);
                float* padded = stackalloc float[2 * IntegerCache.Multiple];
                TLanes.Store(TLanes.Multiply(f, scale), padded);
                TLanes.Store(TLanes.Multiply(g, scale), padded + TLanes.FloatCount);
                new ReadOnlySpan<float>(padded, columns).CopyTo(new Span<float>(result, columns));
            }
        }
    }
}
