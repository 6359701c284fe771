using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>Members common to vectors of all element types.</summary>
internal interface ILanes
{
    /// <summary>Bytes of a cache line.</summary>
    const int CacheLine = 64;

    /// <summary>
    /// Bytes by which memory is prefetched ahead of its use. The processor's own prefetching stops at each 4 KiB page. Computing with
    /// this many bytes takes longer than a memory access.
    /// </summary>
    const int Ahead = 8192;

    /// <summary>Prefetches a range of memory into the second-level cache. Otherwise as <see cref="Prefetch"/>.</summary>
    static abstract unsafe void PrefetchFar(void* address, int bytes);

    /// <summary>Prefetches a cache line, if the instruction set supports it. The address need not be valid.</summary>
    static abstract unsafe void Prefetch(void* address);
}

/// <summary>
/// Vectors of float32 of one width. Kernels are written against this interface, once for all instruction sets. A kernel uses a width
/// that divides its rows, so there are no remainders and a row is always summed up in the same order.
/// </summary>
/// <typeparam name="TFloats">A vector of <see cref="FloatCount"/> float32.</typeparam>
internal interface IFloatLanes<TFloats> : ILanes
    where TFloats : struct
{
    /// <summary>1.5 · 2^23: adding it to a small number rounds that number to an integer in the lowest bits of the sum.</summary>
    const float Shift = 12_582_912;

    /// <summary>The bits of 1.</summary>
    const int OneBits = 0x3F800000;

    /// <summary>Lanes of a vector.</summary>
    static abstract int FloatCount { get; }

    /// <summary>A vector with this value in all lanes.</summary>
    static abstract TFloats Broadcast(float value);

    /// <summary>Reads a vector.</summary>
    static abstract unsafe TFloats Load(float* source);

    /// <summary>Reads a vector of bfloat16 as float32.</summary>
    static abstract unsafe TFloats Load(BFloat16* source);

    /// <summary>Writes a vector.</summary>
    static abstract unsafe void Store(TFloats vector, float* target);

    /// <summary>Rounds lanes between -32767 and 32767 to nearest and writes them as 16-bit integers.</summary>
    static abstract unsafe void StoreRounded(TFloats vector, short* target);

    /// <summary>a + b.</summary>
    static abstract TFloats Add(TFloats a, TFloats b);

    /// <summary>a · b.</summary>
    static abstract TFloats Multiply(TFloats a, TFloats b);

    /// <summary>a / b.</summary>
    static abstract TFloats Divide(TFloats a, TFloats b);

    /// <summary>a · b + sum, rounded once if the instruction set supports it.</summary>
    static abstract TFloats MultiplyAdd(TFloats a, TFloats b, TFloats sum);

    /// <summary>The maximum of each lane.</summary>
    static abstract TFloats Max(TFloats a, TFloats b);

    /// <summary>The absolute value of each lane.</summary>
    static abstract TFloats Abs(TFloats vector);

    /// <summary>The minimum of each lane.</summary>
    static abstract TFloats Min(TFloats a, TFloats b);

    /// <summary>2^n in each lane, for integers n from -126 to 127 given as <see cref="Shift"/> + n.</summary>
    static abstract TFloats PowerOfTwo(TFloats shifted);

    /// <summary>The sum of the lanes.</summary>
    static abstract float Sum(TFloats vector);

    /// <summary>The maximum of all lanes.</summary>
    static abstract float Max(TFloats vector);

    /// <summary>The sums of the lanes of four vectors.</summary>
    static abstract Vector128<float> Sums(TFloats a, TFloats b, TFloats c, TFloats d);
}

/// <summary>Vectors of integers of one width, for int8 weights times 16-bit activations.</summary>
/// <typeparam name="TShorts">A vector of <see cref="ShortCount"/> 16-bit integers.</typeparam>
/// <typeparam name="TInts">A vector of half as many 32-bit integers.</typeparam>
internal interface IIntegerLanes<TShorts, TInts> : ILanes
    where TShorts : struct
    where TInts : struct
{
    /// <summary>Lanes of a vector of 16-bit integers.</summary>
    static abstract int ShortCount { get; }

    /// <summary>Rows of activations per tile of four weights, 2 or 4, so that its sums stay in registers.</summary>
    static abstract int TileRows { get; }

    /// <summary>Reads a vector of 16-bit integers.</summary>
    static abstract unsafe TShorts Load(short* source);

    /// <summary>Reads 8-bit integers into lanes of 16 bits.</summary>
    static abstract unsafe TShorts Load(sbyte* source);

    /// <summary>Adds the products of each pair of adjacent lanes to the sums.</summary>
    static abstract TInts MultiplyAdd(TShorts a, TShorts b, TInts sums);

    /// <summary>
    /// The exact sums of the lanes of four vectors, if no lane exceeds the largest sum of <see cref="IntegerProduct.Block"/> products of 8
    /// and 16 bits.
    /// </summary>
    static abstract Vector256<double> Sums(TInts a, TInts b, TInts c, TInts d);
}
