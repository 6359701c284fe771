using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>What vectors of any numbers have.</summary>
internal interface ILanes
{
    /// <summary>Bytes of a cache line.</summary>
    const int CacheLine = 64;

    /// <summary>
    /// How far before it is needed memory is asked for: the processor's own prefetching stops at each page of 4 KiB, and what this many bytes take to be computed with is
    /// longer than memory takes.
    /// </summary>
    const int Ahead = 8192;

    /// <summary>Says that a stretch of memory will be needed, but not at once: it goes to the second-level cache. Otherwise as <see cref="Prefetch"/>.</summary>
    static abstract unsafe void PrefetchFar(void* address, int bytes);

    /// <summary>Says that a cache line will be needed soon, where the instruction set can; the address need not be valid.</summary>
    static abstract unsafe void Prefetch(void* address);
}

/// <summary>
/// Vectors of float32 of one width: what the kernels are written against, once for all instruction sets. A kernel takes a width
/// that divides its rows, so that there are no remainders, and the same row always adds up in the same order.
/// </summary>
/// <typeparam name="TFloats">A vector of <see cref="FloatCount"/> float32.</typeparam>
internal interface IFloatLanes<TFloats> : ILanes
    where TFloats : struct
{
    /// <summary>1.5 · 2^23: what is added to a small number becomes an integer in the lowest bits of the sum.</summary>
    const float Shift = 12_582_912;

    /// <summary>The bits of 1.</summary>
    const int OneBits = 0x3F800000;

    /// <summary>Numbers in a vector.</summary>
    static abstract int FloatCount { get; }

    /// <summary>The same number in all lanes.</summary>
    static abstract TFloats Broadcast(float value);

    /// <summary>Reads a vector.</summary>
    static abstract unsafe TFloats Load(float* source);

    /// <summary>Reads as many bfloat16 as a vector holds.</summary>
    static abstract unsafe TFloats Load(BFloat16* source);

    /// <summary>Writes a vector.</summary>
    static abstract unsafe void Store(TFloats vector, float* target);

    /// <summary>Writes lanes between -32767 and 32767, rounded to the nearest, as many 16-bit integers as a vector has lanes.</summary>
    static abstract unsafe void StoreRounded(TFloats vector, short* target);

    /// <summary>a + b.</summary>
    static abstract TFloats Add(TFloats a, TFloats b);

    /// <summary>a · b.</summary>
    static abstract TFloats Multiply(TFloats a, TFloats b);

    /// <summary>a / b.</summary>
    static abstract TFloats Divide(TFloats a, TFloats b);

    /// <summary>a · b + sum, rounded once where the instruction set can.</summary>
    static abstract TFloats MultiplyAdd(TFloats a, TFloats b, TFloats sum);

    /// <summary>The greater of each two.</summary>
    static abstract TFloats Max(TFloats a, TFloats b);

    /// <summary>The lanes without their signs.</summary>
    static abstract TFloats Abs(TFloats vector);

    /// <summary>The lesser of each two.</summary>
    static abstract TFloats Min(TFloats a, TFloats b);

    /// <summary>2 to the power of an integer n from -126 to 127, given as <see cref="Shift"/> + n in each lane.</summary>
    static abstract TFloats PowerOfTwo(TFloats shifted);

    /// <summary>The sum of the lanes.</summary>
    static abstract float Sum(TFloats vector);

    /// <summary>The greatest lane.</summary>
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
    /// <summary>Numbers in a vector of 16-bit integers.</summary>
    static abstract int ShortCount { get; }

    /// <summary>Activations that a tile of four weights takes, so that its sums stay in registers: 2 or 4.</summary>
    static abstract int TileRows { get; }

    /// <summary>Reads a vector of 16-bit integers.</summary>
    static abstract unsafe TShorts Load(short* source);

    /// <summary>Reads 8-bit integers into lanes of 16 bits.</summary>
    static abstract unsafe TShorts Load(sbyte* source);

    /// <summary>Products of the lanes, two beside each other added, added to the sums.</summary>
    static abstract TInts MultiplyAdd(TShorts a, TShorts b, TInts sums);

    /// <summary>
    /// The sums of the lanes of four vectors, exactly, if no lane exceeds what <see cref="IntegerProduct.Block"/> products of 8 and 16 bits
    /// can sum up to.
    /// </summary>
    static abstract Vector256<double> Sums(TInts a, TInts b, TInts c, TInts d);
}
