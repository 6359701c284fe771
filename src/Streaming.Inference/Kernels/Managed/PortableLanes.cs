using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>128 bits on any processor: 4 float32, 8 16-bit integers. Products and sums are rounded separately.</summary>
internal readonly struct PortableLanes
    : IPairLanes<Vector128<float>, Vector128<short>, Vector128<int>>,
        IIntegerLanes<Vector128<short>, Vector128<int>>
{
    public static int FloatCount => Vector128<float>.Count;

    public static int ShortCount => Vector128<short>.Count;

    public static int TileRows => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<float> Load(BFloat16* source) =>
        Vector128.ShiftLeft(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsUInt16()), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Store(Vector128<float> vector, float* target) => vector.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void StoreRounded(Vector128<float> vector, short* target)
    {
        var rounded = Vector128.ConvertToInt32(Vector128.Round(vector));
        *(ulong*)target = Vector128.Narrow(rounded, rounded).AsUInt64().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> sum) => a * b + sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> vector) => Vector128.Abs(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> PowerOfTwo(Vector128<float> shifted) =>
        ((shifted.AsInt32() << 23) + Vector128.Create(IFloatLanes<Vector128<float>>.OneBits)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> vector) => Vector128.Sum(vector);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector128<float> vector)
    {
        var twos = Vector128.Max(vector, Vector128.Shuffle(vector, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(twos, Vector128.Shuffle(twos, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) =>
        Vector128.Create(Vector128.Sum(a), Vector128.Sum(b), Vector128.Sum(c), Vector128.Sum(d));

    public static unsafe void Prefetch(void* address) { }

    public static unsafe void PrefetchFar(void* address, int bytes) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<short> Load(short* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<short> Load(sbyte* source) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<short> a, Vector128<short> b, Vector128<int> sums) =>
        sums + Vector128.WidenLower(a) * Vector128.WidenLower(b) + Vector128.WidenUpper(a) * Vector128.WidenUpper(b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Sums(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        return Vector256.Create(Sum(a), Sum(b), Sum(c), Sum(d));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static double Sum(Vector128<int> sums) => Vector128.Sum(Vector128.WidenLower(sums) + Vector128.WidenUpper(sums));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<short> BroadcastPair(short* pair) => Vector128.Create(*(int*)pair).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector128<short> LoadPairs(sbyte* source) => Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAddPairs(Vector128<short> a, Vector128<short> b, Vector128<int> sums)
    {
        Vector128<int> evens = ((a.AsInt32() << 16) >> 16) * ((b.AsInt32() << 16) >> 16);
        Vector128<int> odds = (a.AsInt32() >> 16) * (b.AsInt32() >> 16);
        return sums + evens + odds;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloats(Vector128<int> integers) => Vector128.ConvertToSingle(integers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void LoadNibbles(byte* source, out Vector128<short> low, out Vector128<short> high)
    {
        Vector128<short> bytes = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte()).AsInt16();
        low = bytes & Vector128.Create((short)15);
        high = bytes >> 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyPairs(Vector128<short> a, Vector128<short> b) => MultiplyAddPairs(a, b, default);
}
