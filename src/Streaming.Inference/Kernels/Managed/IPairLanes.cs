namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// Vectors for int8 caches and 4-bit weights. A lane of 32 bits holds a pair of 16-bit integers; the products of two pairs are summed up
/// in one lane.
/// </summary>
/// <typeparam name="TFloats">A vector of float32.</typeparam>
/// <typeparam name="TShorts">A vector of twice as many 16-bit integers.</typeparam>
/// <typeparam name="TInts">A vector of as many 32-bit integers.</typeparam>
internal interface IPairLanes<TFloats, TShorts, TInts> : IFloatLanes<TFloats>
    where TFloats : struct
    where TShorts : struct
    where TInts : struct
{
    /// <summary>A vector with this pair in all lanes.</summary>
    static abstract unsafe TShorts BroadcastPair(short* pair);

    /// <summary>Reads a vector of 16-bit integers.</summary>
    static abstract unsafe TShorts Load(short* source);

    /// <summary>Reads 8-bit integers into 16-bit lanes, in order.</summary>
    static abstract unsafe TShorts LoadPairs(sbyte* source);

    /// <summary>Reads bytes and splits them into their low and high nibbles.</summary>
    static abstract unsafe void LoadNibbles(byte* source, out TShorts low, out TShorts high);

    /// <summary>Adds the products of each pair to the sums.</summary>
    static abstract TInts MultiplyAddPairs(TShorts a, TShorts b, TInts sums);

    /// <summary>The sum of the products of each pair.</summary>
    static abstract TInts MultiplyPairs(TShorts a, TShorts b);

    /// <summary>Converts to float32, with rounding.</summary>
    static abstract TFloats ToFloats(TInts integers);
}
