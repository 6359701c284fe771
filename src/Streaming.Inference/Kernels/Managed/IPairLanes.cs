namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Vectors for caches of 8-bit and weights of 4-bit integers: a lane of 32 bits holds two 16-bit integers that belong together, and their products with another
/// two add up in it.
/// </summary>
/// <typeparam name="TFloats">A vector of float32.</typeparam>
/// <typeparam name="TShorts">A vector of twice as many 16-bit integers.</typeparam>
/// <typeparam name="TInts">A vector of as many 32-bit integers.</typeparam>
internal interface IPairLanes<TFloats, TShorts, TInts> : IFloatLanes<TFloats>
    where TFloats : struct
    where TShorts : struct
    where TInts : struct
{
    /// <summary>The same two 16-bit integers in all lanes.</summary>
    static abstract unsafe TShorts BroadcastPair(short* pair);

    /// <summary>Reads 16-bit integers.</summary>
    static abstract unsafe TShorts Load(short* source);

    /// <summary>Reads 8-bit integers, in their order.</summary>
    static abstract unsafe TShorts LoadPairs(sbyte* source);

    /// <summary>Reads bytes, and takes them apart: the low halves and the high halves.</summary>
    static abstract unsafe void LoadNibbles(byte* source, out TShorts low, out TShorts high);

    /// <summary>In each lane the products of its two integers, added to the sum.</summary>
    static abstract TInts MultiplyAddPairs(TShorts a, TShorts b, TInts sums);

    /// <summary>In each lane the products of its two integers.</summary>
    static abstract TInts MultiplyPairs(TShorts a, TShorts b);

    /// <summary>The integers in float32, rounded.</summary>
    static abstract TFloats ToFloats(TInts integers);
}
