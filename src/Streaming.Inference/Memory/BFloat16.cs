using System.Runtime.CompilerServices;

namespace Streaming.Inference.Memory;

/// <summary>bfloat16, the upper half of a float32, as in libtorch's tensors.</summary>
/// <param name="Bits">Sign, exponent and the 7 upper bits of the fraction.</param>
internal readonly record struct BFloat16(ushort Bits)
{
    /// <summary>The value in float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)Bits << 16);

    /// <summary>Rounds to nearest, ties to even; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static BFloat16 Of(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new BFloat16((ushort)(bits >> 16 | 0x40))
            : new BFloat16((ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16));
    }
}
