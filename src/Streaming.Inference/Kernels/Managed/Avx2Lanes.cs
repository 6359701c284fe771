using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>AVX2 with FMA: 8 float32, 16 16-bit integers.</summary>
internal readonly struct Avx2Lanes
    : IPairLanes<Vector256<float>, Vector256<short>, Vector256<int>>,
        IIntegerLanes<Vector256<short>, Vector256<int>>
{
    public static int FloatCount => Vector256<float>.Count;

    public static int ShortCount => Vector256<short>.Count;

    public static int TileRows => 2; // fits 16 registers: 8 sums, 4 weights

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> Load(BFloat16* source) =>
        Vector256.ShiftLeft(Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)source)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(Vector256<float> vector, float* target) => vector.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreRounded(Vector256<float> vector, short* target)
    {
        Vector256<int> rounded = Avx.ConvertToVector256Int32(vector);
        Sse2.PackSignedSaturate(rounded.GetLower(), rounded.GetUpper()).Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> sum) => Fma.MultiplyAdd(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> vector) => Vector256.Abs(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> PowerOfTwo(Vector256<float> shifted) =>
        ((shifted.AsInt32() << 23) + Vector256.Create(IFloatLanes<Vector256<float>>.OneBits)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> vector) => Vector256.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector256<float> vector) => PortableLanes.Max(Vector128.Max(vector.GetLower(), vector.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<float> halves = Avx.HorizontalAdd(Avx.HorizontalAdd(a, b), Avx.HorizontalAdd(c, d));
        return halves.GetLower() + halves.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Prefetch(void* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void PrefetchFar(void* address, int bytes)
    {
        for (int at = 0; at < bytes; at += ILanes.CacheLine)
            Sse.Prefetch1((byte*)address + at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<short> Load(short* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<short> Load(sbyte* source) => Avx2.ConvertToVector256Int16(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<short> a, Vector256<short> b, Vector256<int> sums) =>
        sums + Avx2.MultiplyAddAdjacent(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Sums(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        Vector256<double> ab = Avx.HorizontalAdd(Widened(a), Widened(b)),
            cd = Avx.HorizontalAdd(Widened(c), Widened(d)); // a0 b0 a1 b1
        return Avx.Permute2x128(ab, cd, 0x20) + Avx.Permute2x128(ab, cd, 0x31);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector256<double> Widened(Vector256<int> sums) => Avx.ConvertToVector256Double(sums.GetLower() + sums.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<short> BroadcastPair(short* pair) => Vector256.Create(*(int*)pair).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<short> LoadPairs(sbyte* source) => Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddPairs(Vector256<short> a, Vector256<short> b, Vector256<int> sums) => MultiplyAdd(a, b, sums);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloats(Vector256<int> integers) => Vector256.ConvertToSingle(integers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void LoadNibbles(byte* source, out Vector256<short> low, out Vector256<short> high)
    {
        Vector256<short> bytes = Avx2.ConvertToVector256Int16(Vector128.Load(source));
        low = bytes & Vector256.Create((short)15);
        high = bytes >> 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b) => Avx2.MultiplyAddAdjacent(a, b);
}
