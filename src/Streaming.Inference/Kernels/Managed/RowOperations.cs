using System.Runtime.CompilerServices;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>Operations on single rows.</summary>
internal static unsafe class RowOperations
{
    /// <summary>The largest 16-bit activation.</summary>
    public const float Most = short.MaxValue;

    /// <summary>Root-mean-square norm of a row with a weight [width].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalise<TLanes, TFloats, TElement>(float* row, TElement* weight, int width, double epsilon, float* result)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
    {
        TFloats squares = default;
        for (int i = 0; i < width; i += TLanes.FloatCount)
        {
            TFloats x = TLanes.Load(row + i);
            squares = TLanes.MultiplyAdd(x, x, squares);
        }
        TFloats scale = TLanes.Broadcast((float)(1 / Math.Sqrt(TLanes.Sum(squares) / (double)width + epsilon)));
        for (int i = 0; i < width; i += TLanes.FloatCount)
        {
            TFloats w = typeof(TElement) == typeof(float) ? TLanes.Load((float*)weight + i) : TLanes.Load((BFloat16*)weight + i);
            TLanes.Store(TLanes.Multiply(TLanes.Multiply(TLanes.Load(row + i), scale), w), result + i);
        }
    }

    /// <summary>Quantises a row to 16-bit integers and returns its scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Quantise<TLanes, TFloats>(float* row, int width, short* result)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        TFloats greatest = default;
        for (int i = 0; i < width; i += TLanes.FloatCount)
            greatest = TLanes.Max(greatest, TLanes.Abs(TLanes.Load(row + i)));
        float most = TLanes.Max(greatest);
        if (!float.IsFinite(most))
            return NotANumber(width, result);
        TFloats inverse = TLanes.Broadcast(most < 1e-30f ? 0 : Most / most);
        for (int i = 0; i < width; i += TLanes.FloatCount)
            TLanes.StoreRounded(TLanes.Multiply(TLanes.Load(row + i), inverse), result + i);
        return most / Most;
    }

    /// <summary>SwiGLU's gate (Shazeer 2020): silu(gate) · up for [gate, up].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate<TLanes, TFloats>(float* gate, float* up, int width, float* result)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        TFloats one = TLanes.Broadcast(1),
            minusOne = TLanes.Broadcast(-1);
        for (int i = 0; i < width; i += TLanes.FloatCount)
        {
            TFloats x = TLanes.Load(gate + i);
            TFloats silu = TLanes.Divide(x, TLanes.Add(one, Exponential.Of<TLanes, TFloats>(TLanes.Multiply(x, minusOne))));
            TLanes.Store(TLanes.Multiply(silu, TLanes.Load(up + i)), result + i);
        }
    }

    /// <summary>
    /// Replaces each score by e^(score - maximum) and returns their sum. Memory after the last score, up to a whole vector, is
    /// overwritten.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float ExpOfDifferences<TLanes, TFloats>(float* scores, int count)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        int end = (count + TLanes.FloatCount - 1) / TLanes.FloatCount * TLanes.FloatCount;
        for (int i = count; i < end; i++)
            scores[i] = float.NegativeInfinity;
        TFloats greatest = TLanes.Broadcast(float.NegativeInfinity);
        for (int i = 0; i < end; i += TLanes.FloatCount)
            greatest = TLanes.Max(greatest, TLanes.Load(scores + i));
        TFloats minusMost = TLanes.Broadcast(-TLanes.Max(greatest)),
            sum = default;
        for (int i = 0; i < end; i += TLanes.FloatCount)
        {
            TFloats e = Exponential.Of<TLanes, TFloats>(TLanes.Add(TLanes.Load(scores + i), minusMost));
            TLanes.Store(e, scores + i);
            sum = TLanes.Add(sum, e);
        }
        return TLanes.Sum(sum);
    }

    /// <summary>NaN if a value is not finite, so that the whole product becomes NaN.</summary>
    private static float NotANumber(int width, short* result)
    {
        new Span<short>(result, width).Fill(1);
        return float.NaN;
    }
}
