using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Streaming.Inference.Sampling;

/// <summary>An approximate sum of a vocabulary's weights, many times as fast as a loop over <see cref="Math.Exp"/>.</summary>
internal static class ExponentialSum
{
    /// <summary>Bound of the relative error: the polynomial's 1e-11 and the rounding of some 100,000 additions.</summary>
    public const double Error = 1e-9;

    private const double MinExponent = -700,
        Log2E = 1.4426950408889634,
        Ln2High = 0.693147180369123816490,
        Ln2Low = 1.90821492927058770002e-10; // of Cephes and fdlibm
    private const int FractionBits = 52,
        ExponentBias = 1023;

    /// <summary>The sum of exp((logit - max) / temperature); the largest term is 1.</summary>
    /// <param name="logits">Numbers, or minus infinity.</param>
    /// <param name="max">The largest.</param>
    /// <param name="temperature">Above 0.</param>
    public static double Of(ReadOnlySpan<float> logits, double max, double temperature)
    {
        // Two sums, so that consecutive exponentials do not depend on each other.
        Vector512<double> low = Vector512<double>.Zero,
            high = low,
            scale = Vector512.Create(1 / temperature),
            largest = Vector512.Create(max);
        int whole = logits.Length - logits.Length % Vector512<float>.Count;
        foreach (Vector512<float> numbers in MemoryMarshal.Cast<float, Vector512<float>>(logits[..whole]))
        {
            low += Exponential((Vector512.WidenLower(numbers) - largest) * scale);
            high += Exponential((Vector512.WidenUpper(numbers) - largest) * scale);
        }
        double total = Vector512.Sum(low + high);
        foreach (float logit in logits[whole..])
            total += Math.Exp((logit - max) / temperature);
        return total;
    }

    /// <summary>e^x for x up to 0. Below <see cref="MinExponent"/> the result is too large, but still negligible beside 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Exponential(Vector512<double> x)
    {
        x = Vector512.Max(x, Vector512.Create(MinExponent));
        var power = Vector512.Round(x * Log2E);
        Vector512<double> rest = x - power * Ln2High - power * Ln2Low;
        // Taylor series, 1/n! from n = 10 down: the remainder is below 1e-12 for |rest| up to ln 2 / 2.
        var result = Vector512.Create(1.0 / 3628800);
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 362880));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 40320));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 5040));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 720));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 120));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 24));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 6));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512.Create(1.0 / 2));
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512<double>.One);
        result = Vector512.MultiplyAddEstimate(result, rest, Vector512<double>.One);
        Vector512<long> exponent = Vector512.ConvertToInt64(power) + Vector512.Create((long)ExponentBias);
        return result * (exponent << FractionBits).AsDouble();
    }
}
