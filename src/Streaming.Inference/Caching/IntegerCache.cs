namespace Streaming.Inference.Caching;

/// <summary>
/// The memory layout of a head's keys and values in an int8 cache, where each key and each value has a scale. Keys are in blocks of as
/// many places as a vector has lanes. A block interleaves pairs of elements of its places, so that each lane sums up the score of one
/// place. Values of two places are interleaved, so that each lane sums up one element of the weighted sum.
/// </summary>
internal static unsafe class IntegerCache
{
    /// <summary>Lanes of the widest vector; places and widths are rounded up to a multiple of it.</summary>
    public const int Multiple = 16;

    private const float MaxInt8 = sbyte.MaxValue;

    /// <summary>Rounds up to <see cref="Multiple"/>.</summary>
    public static int Padded(int count) => (count + Multiple - 1) / Multiple * Multiple;

    /// <summary>Stores a key [width] and returns its scale.</summary>
    public static float StoreKey(float* key, int width, sbyte* keys, int place, int lanes)
    {
        (int block, int lane) = Math.DivRem(place, lanes);
        sbyte* target = keys + (long)block * lanes * width + 2 * lane;
        float scale = ScaleOf(key, width, out float inverse);
        for (int i = 0; i < width; i += 2, target += 2 * lanes)
        {
            target[0] = Quantise(key[i], inverse);
            target[1] = Quantise(key[i + 1], inverse);
        }
        return scale;
    }

    /// <summary>Stores a value [width] in rows of the padded width, and returns its scale.</summary>
    public static float StoreValue(float* value, int width, sbyte* values, int place)
    {
        sbyte* target = values + (long)(place & ~1) * Padded(width) + (place & 1);
        float scale = ScaleOf(value, width, out float inverse);
        for (int i = 0; i < width; i++, target += 2)
            *target = Quantise(value[i], inverse);
        return scale;
    }

    private static float ScaleOf(float* numbers, int width, out float inverse)
    {
        float largest = 0;
        for (int i = 0; i < width; i++)
            largest = MathF.Max(largest, MathF.Abs(numbers[i])); // NaN persists
        if (!float.IsFinite(largest))
        {
            inverse = 0;
            return float.NaN; // makes the whole place NaN
        }
        inverse = largest < 1e-30f ? 0 : MaxInt8 / largest;
        return largest / MaxInt8;
    }

    private static sbyte Quantise(float number, float inverse)
    {
        float quotient = number * inverse;
        return float.IsNaN(quotient) ? (sbyte)0 : (sbyte)MathF.Round(quotient);
    }
}
