using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>Vectors of one lane, for rows whose width is no multiple of any other vector's.</summary>
internal readonly struct ScalarLanes : IFloatLanes<float>, IIntegerLanes<short, long>
{
    public static int FloatCount => 1;

    public static int ShortCount => 1;

    public static int TileRows => 2;

    public static float Broadcast(float value) => value;

    public static unsafe float Load(float* source) => *source;

    public static unsafe float Load(BFloat16* source) => source->ToSingle();

    public static unsafe void Store(float vector, float* target) => *target = vector;

    public static unsafe void StoreRounded(float vector, short* target) => *target = (short)MathF.Round(vector);

    public static float Add(float a, float b) => a + b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float MultiplyAdd(float a, float b, float sum) => a * b + sum;

    public static float Max(float a, float b) => MathF.Max(a, b);

    public static float Abs(float vector) => MathF.Abs(vector);

    public static float Min(float a, float b) => MathF.Min(a, b);

    public static float PowerOfTwo(float shifted) =>
        BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(shifted) << 23) + IFloatLanes<float>.OneBits);

    public static float Sum(float vector) => vector;

    public static float Max(float vector) => vector;

    public static Vector128<float> Sums(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);

    public static unsafe void Prefetch(void* address) { }

    public static unsafe void PrefetchFar(void* address, int bytes) { }

    public static unsafe short Load(short* source) => *source;

    public static unsafe short Load(sbyte* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MultiplyAdd(short a, short b, long sums) => sums + a * b;

    public static Vector256<double> Sums(long a, long b, long c, long d) => Vector256.Create((double)a, b, c, d);
}
