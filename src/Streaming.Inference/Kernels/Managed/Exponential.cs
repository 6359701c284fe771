using System.Runtime.CompilerServices;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// e^x in float32. .NET's own goes through float64 and takes ten times as long. x = n · ln 2 + r with |r| at most ln 2 / 2; e^r is the
/// polynomial of Cephes' <c>expf</c> (Moshier). The error is below two units in the last place. x is clamped to [-87, 88].
/// </summary>
internal static class Exponential
{
    private const float Min = -87,
        Max = 88;
    private const float Log2E = 1.44269504f;
    private const float MinusLn2High = -0.693359375f,
        MinusLn2Low = 2.12194440e-4f; // the high part has few bits, so n times it is exact

    /// <summary>e to the power of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloats Of<TLanes, TFloats>(TFloats x)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        x = TLanes.Min(TLanes.Max(x, TLanes.Broadcast(Min)), TLanes.Broadcast(Max));
        TFloats shifted = TLanes.MultiplyAdd(x, TLanes.Broadcast(Log2E), TLanes.Broadcast(IFloatLanes<TFloats>.Shift));
        TFloats n = TLanes.Add(shifted, TLanes.Broadcast(-IFloatLanes<TFloats>.Shift));
        TFloats r = TLanes.MultiplyAdd(n, TLanes.Broadcast(MinusLn2Low), TLanes.MultiplyAdd(n, TLanes.Broadcast(MinusLn2High), x));
        TFloats p = TLanes.Broadcast(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(5.0000001201e-1f));
        p = TLanes.Add(TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), r), TLanes.Broadcast(1));
        return TLanes.Multiply(p, TLanes.PowerOfTwo(shifted));
    }
}
