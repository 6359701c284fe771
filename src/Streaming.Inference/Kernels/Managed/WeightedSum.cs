using System.Runtime.CompilerServices;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>Weighted sums of values, in the order of places.</summary>
internal static unsafe class WeightedSum
{
    /// <summary>Computes the weighted sum over the seen places for each query.</summary>
    /// <param name="values">A head's values, [places, width].</param>
    /// <param name="width">D, a multiple of the lanes.</param>
    /// <param name="seen">The places.</param>
    /// <param name="weights">[queries, weightStride], one per seen place.</param>
    /// <param name="weightStride">Elements from one query's weights to the next one's.</param>
    /// <param name="factors">Factor of each query's sum, [queries].</param>
    /// <param name="queries">Number of queries.</param>
    /// <param name="results">[queries, width].</param>
    public static void Run<TLanes, TFloats, TElement>(
        TElement* values,
        int width,
        in PlaceRanges seen,
        float* weights,
        int weightStride,
        float* factors,
        int queries,
        float* results
    )
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
    {
        for (int q = 0; q < queries; q += 4)
        {
            float* w = weights + (long)q * weightStride;
            float* result = results + (long)q * width;
            switch (queries - q)
            {
                case 1:
                    Run<TLanes, TFloats, TElement, One>(values, width, seen, w, weightStride, factors + q, result);
                    break;
                case 2:
                    Run<TLanes, TFloats, TElement, Two>(values, width, seen, w, weightStride, factors + q, result);
                    break;
                case 3:
                    Run<TLanes, TFloats, TElement, Three>(values, width, seen, w, weightStride, factors + q, result);
                    break;
                default:
                    Run<TLanes, TFloats, TElement, Four>(values, width, seen, w, weightStride, factors + q, result);
                    break;
            }
        }
    }

    private static void Run<TLanes, TFloats, TElement, TQueries>(
        TElement* values,
        int width,
        in PlaceRanges seen,
        float* weights,
        int weightStride,
        float* factors,
        float* results
    )
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
        where TQueries : struct, ITileCount
    {
        int i = 0;
        for (; i + 2 * TLanes.FloatCount <= width; i += 2 * TLanes.FloatCount)
            Tile<TLanes, TFloats, TElement, TQueries, Two>(values + i, width, seen, weights, weightStride, factors, results + i);
        for (; i < width; i += TLanes.FloatCount)
            Tile<TLanes, TFloats, TElement, TQueries, One>(values + i, width, seen, weights, weightStride, factors, results + i);
    }

    /// <summary>A tile: one or two vectors of the width, one to four queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes, TFloats, TElement, TQueries, TVectors>(
        TElement* values,
        int width,
        in PlaceRanges seen,
        float* weights,
        int weightStride,
        float* factors,
        float* results
    )
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
        where TQueries : struct, ITileCount
        where TVectors : struct, ITileCount
    {
        TFloats a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        TFloats b0 = default,
            b1 = default,
            b2 = default,
            b3 = default;
        float* w0 = weights,
            w1 = w0 + weightStride,
            w2 = w1 + weightStride,
            w3 = w2 + weightStride;
        int place = 0,
            left = seen.FixedPlaces;
        for (int range = 0; range < 3; range++)
        {
            if (range > 0)
                (place, left) = range == 1 ? (seen.FirstStart, seen.FirstCount) : (seen.SecondStart, seen.SecondCount);
            TElement* value = values + (long)place * width;
            for (; left > 0; left--)
            {
                TLanes.Prefetch((byte*)value + ILanes.Ahead);
                TFloats v = Load(value),
                    u = TVectors.Value > 1 ? Load(value + TLanes.FloatCount) : v;
                value += width;
                TFloats w = TLanes.Broadcast(*w0++);
                a0 = TLanes.MultiplyAdd(v, w, a0);
                if (TVectors.Value > 1)
                    b0 = TLanes.MultiplyAdd(u, w, b0);
                if (TQueries.Value > 1)
                {
                    w = TLanes.Broadcast(*w1++);
                    a1 = TLanes.MultiplyAdd(v, w, a1);
                    if (TVectors.Value > 1)
                        b1 = TLanes.MultiplyAdd(u, w, b1);
                }
                if (TQueries.Value > 2)
                {
                    w = TLanes.Broadcast(*w2++);
                    a2 = TLanes.MultiplyAdd(v, w, a2);
                    if (TVectors.Value > 1)
                        b2 = TLanes.MultiplyAdd(u, w, b2);
                }
                if (TQueries.Value > 3)
                {
                    w = TLanes.Broadcast(*w3++);
                    a3 = TLanes.MultiplyAdd(v, w, a3);
                    if (TVectors.Value > 1)
                        b3 = TLanes.MultiplyAdd(u, w, b3);
                }
            }
        }
        Write(a0, b0, factors[0], results);
        if (TQueries.Value > 1)
            Write(a1, b1, factors[1], results + width);
        if (TQueries.Value > 2)
            Write(a2, b2, factors[2], results + 2 * width);
        if (TQueries.Value > 3)
            Write(a3, b3, factors[3], results + 3 * width);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static TFloats Load(TElement* source) =>
            typeof(TElement) == typeof(float) ? TLanes.Load((float*)source) : TLanes.Load((BFloat16*)source);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Write(TFloats a, TFloats b, float factor, float* result)
        {
            TLanes.Store(TLanes.Multiply(a, TLanes.Broadcast(factor)), result);
            if (TVectors.Value > 1)
                TLanes.Store(TLanes.Multiply(b, TLanes.Broadcast(factor)), result + TLanes.FloatCount);
        }
    }
}
