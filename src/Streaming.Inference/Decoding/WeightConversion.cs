using System.Numerics;
using System.Runtime.InteropServices;
using Streaming.Inference.Kernels.Managed;
using TorchSharp;
using BFloat16 = Streaming.Inference.Memory.BFloat16;

namespace Streaming.Inference.Decoding;

/// <summary>Converts rows of weights between types, with the same bits as libtorch's operations.</summary>
internal static class WeightConversion
{
    private const float LargestInt8 = 127,
        SmallestInt4 = -8,
        LargestInt4 = 7,
        SmallestScale = 1e-8f;

    /// <summary>The index of the first NaN or infinity among elements of a stored type; -1 for none.</summary>
    public static int IndexOfNotFinite(ReadOnlySpan<byte> stored, torch.ScalarType type) =>
        type switch
        {
            torch.ScalarType.Float32 => IndexOfExponent(MemoryMarshal.Cast<byte, uint>(stored), 0x7F80_0000u),
            torch.ScalarType.Float16 => IndexOfExponent(MemoryMarshal.Cast<byte, ushort>(stored), (ushort)0x7C00),
            _ => IndexOfExponent(MemoryMarshal.Cast<byte, ushort>(stored), (ushort)0x7F80),
        };

    /// <summary>Converts elements of a stored type to float32.</summary>
    public static void Widen(ReadOnlySpan<byte> stored, torch.ScalarType type, Span<float> numbers)
    {
        switch (type)
        {
            case torch.ScalarType.Float32:
                MemoryMarshal.Cast<byte, float>(stored).CopyTo(numbers);
                break;
            case torch.ScalarType.Float16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(stored);
                for (int i = 0; i < halves.Length; i++)
                    numbers[i] = (float)halves[i];
                break;
            default:
                WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(stored), MemoryMarshal.Cast<float, uint>(numbers));
                break;
        }
    }

    /// <summary>Rounds float32 to the nearest bfloat16.</summary>
    public static void Narrow(ReadOnlySpan<float> numbers, Span<BFloat16> narrowed)
    {
        for (int i = 0; i < numbers.Length; i++)
            narrowed[i] = BFloat16.Of(numbers[i]);
    }

    /// <summary>Quantises a row to symmetric int8: w = q · scale, |q| at most 127.</summary>
    /// <returns>The row's scale.</returns>
    public static BFloat16 Quantise(ReadOnlySpan<float> row, Span<sbyte> quantised)
    {
        var scale = BFloat16.Of(MathF.Max(Largest(row) / LargestInt8, SmallestScale)); // NaN persists up to the logits
        QuantiseBy(scale.ToSingle(), row, quantised);
        return scale;
    }

    /// <summary>
    /// Quantises a row to 4 bits with one scale per group: w = q · scale, q from -8 to 7. The element farthest from zero becomes -8, as
    /// in llama.cpp's Q4_0. The last group may have fewer elements; zeros fill the rest of <paramref name="quantised"/>.
    /// </summary>
    public static void QuantiseGroups(ReadOnlySpan<float> row, Span<sbyte> quantised, Span<BFloat16> scales)
    {
        quantised[row.Length..].Clear();
        scales.Clear();
        for (int g = 0; g * NibbleProduct.Group < row.Length; g++)
        {
            ReadOnlySpan<float> group = row[(g * NibbleProduct.Group)..Math.Min(row.Length, (g + 1) * NibbleProduct.Group)];
            float farthest = group[0];
            foreach (float number in group)
            {
                if (MathF.Abs(number) > MathF.Abs(farthest) || float.IsNaN(number))
                    farthest = number;
            }
            scales[g] = BFloat16.Of(farthest / SmallestInt4);
            float divisor = scales[g].ToSingle();
            if (!(MathF.Abs(divisor) >= SmallestScale))
                divisor = 1;
            for (int i = 0; i < group.Length; i++)
                quantised[g * NibbleProduct.Group + i] = (sbyte)Math.Clamp(MathF.Round(group[i] / divisor), SmallestInt4, LargestInt4);
        }
    }

    /// <summary>The index of the first number whose exponent's bits are all set, which only NaN and infinity have.</summary>
    private static int IndexOfExponent<T>(ReadOnlySpan<T> bits, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var exponents = new Vector<T>(exponent);
        int i = 0,
            lanes = Vector<T>.Count;
        while (i <= bits.Length - lanes && !Vector.EqualsAny(new Vector<T>(bits[i..]) & exponents, exponents))
            i += lanes;
        while (i < bits.Length && (bits[i] & exponent) != exponent)
            i++;
        return i < bits.Length ? i : -1;
    }

    private static void WidenBFloat16(ReadOnlySpan<ushort> stored, Span<uint> numbers)
    {
        int i = 0,
            lanes = Vector<ushort>.Count;
        for (; i <= stored.Length - lanes; i += lanes)
        {
            Vector.Widen(new Vector<ushort>(stored[i..]), out Vector<uint> low, out Vector<uint> high);
            (low << 16).CopyTo(numbers[i..]);
            (high << 16).CopyTo(numbers[(i + lanes / 2)..]);
        }
        for (; i < stored.Length; i++)
            numbers[i] = (uint)stored[i] << 16;
    }

    private static float Largest(ReadOnlySpan<float> row)
    {
        Vector<float> largest = Vector<float>.Zero;
        float result = 0;
        int i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            largest = Vector.Max(largest, Vector.Abs(new Vector<float>(row[i..])));
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            result = MathF.Max(result, largest[lane]);
        for (; i < row.Length; i++)
            result = MathF.Max(result, MathF.Abs(row[i]));
        return result;
    }

    private static void QuantiseBy(float scale, ReadOnlySpan<float> row, Span<sbyte> quantised)
    {
        var scales = new Vector<float>(scale);
        int i = 0,
            lanes = Vector<float>.Count;
        for (; i <= row.Length - 4 * lanes; i += 4 * lanes)
        {
            var low = Vector.Narrow(Rounded(row[i..], scales), Rounded(row[(i + lanes)..], scales));
            var high = Vector.Narrow(Rounded(row[(i + 2 * lanes)..], scales), Rounded(row[(i + 3 * lanes)..], scales));
            Vector.Narrow(low, high).CopyTo(quantised[i..]);
        }
        for (; i < row.Length; i++)
            quantised[i] = (sbyte)Math.Clamp(MathF.Round(row[i] / scale), -LargestInt8, LargestInt8);

        static Vector<int> Rounded(ReadOnlySpan<float> numbers, Vector<float> scales)
        {
            var rounded = Vector.Round(new Vector<float>(numbers) / scales);
            return Vector.ConvertToInt32(Vector.Min(Vector.Max(rounded, new Vector<float>(-LargestInt8)), new Vector<float>(LargestInt8)));
        }
    }
}
