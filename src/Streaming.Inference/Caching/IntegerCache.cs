namespace Streaming.Inference.Caching;

/// <summary>
/// How a head's keys and values lie in a cache of 8-bit integers, in whose places each key and each value has a scale of its own. Keys: blocks of as many
/// places as a vector has lanes, and in a block two numbers of each place in turn, so that a lane adds up the score of its place. Values: two places in turn,
/// so that a lane adds up its number of the weighted sum.
/// </summary>
internal static unsafe class IntegerCache
{
    /// <summary>Places and widths are rounded up to it: the widest vector's lanes.</summary>
    public const int Multiple = 16;

    private const float Most = sbyte.MaxValue;

    /// <summary>Rounded up.</summary>
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

    /// <summary>Stores a value [width], in a cache of padded widths, and returns its scale.</summary>
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
        float most = 0;
        for (int i = 0; i < width; i++)
            most = MathF.Max(most, MathF.Abs(numbers[i])); // NaN stays
        if (!float.IsFinite(most))
        {
            inverse = 0;
            return float.NaN; // the whole place must show it
        }
        inverse = most < 1e-30f ? 0 : Most / most;
        return most / Most;
    }

    private static sbyte Quantise(float number, float inverse)
    {
        float quotient = number * inverse;
        return float.IsNaN(quotient) ? (sbyte)0 : (sbyte)MathF.Round(quotient);
    }
}
