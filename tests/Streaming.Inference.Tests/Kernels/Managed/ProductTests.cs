using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Tests.Kernels.Managed;

/// <summary>Compares products with plain loops, for shapes that no tile, vector or block divides.</summary>
public unsafe class ProductTests
{
    public static readonly TheoryData<KernelSet> Sets = [KernelSet.Avx512, KernelSet.Avx2, KernelSet.Portable];

    private static readonly (int Weights, int Width, int Rows)[] TestShapes =
    [
        (1, 1, 1),
        (3, 7, 2),
        (4, 8, 4),
        (5, 24, 5),
        (6, 40, 3),
        (7, 48, 7),
        (9, 64, 16),
        (13, 100, 6),
        (8, 576, 8),
        (11, 999, 9),
        (5, 2080, 13),
        (6, 4160, 1),
        (2, 8200, 5),
    ];

    [Theory, MemberData(nameof(Sets))]
    public void Integer_products_are_exact_for_any_shape(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        var random = new Random(1);
        foreach ((int weights, int width, int rows) in TestShapes)
        {
            sbyte[] w = [.. Enumerable.Range(0, weights * width).Select(_ => (sbyte)random.Next(-127, 128))];
            short[] x = [.. Enumerable.Range(0, rows * width).Select(_ => (short)random.Next(-32767, 32768))];
            CheckIntegers(kernels, w, x, weights, width, rows, random);
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void The_largest_integers_in_the_longest_rows_do_not_overflow(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        foreach (int width in (int[])[2048, 2080, 8192, 16384, 14336 + 8])
        {
            foreach (sbyte weight in (sbyte[])[127, -127])
            {
                sbyte[] w = [.. Enumerable.Repeat(weight, 5 * width)];
                short[] x = [.. Enumerable.Repeat(short.MaxValue, 5 * width)];
                CheckIntegers(kernels, w, x, 5, width, 5, new Random(2));
            }
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void Float_products_equal_plain_loops_up_to_rounding(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        var random = new Random(3);
        foreach ((int weights, int width, int rows) in TestShapes)
        {
            foreach (bool bfloat16 in (bool[])[false, true])
            {
                BFloat16[] half = [.. Enumerable.Range(0, weights * width).Select(_ => BFloat16.Of(random.NextSingle() - 0.5f))];
                float[] w = [.. half.Select(value => value.ToSingle())];
                float[] x = [.. Enumerable.Range(0, rows * width).Select(_ => random.NextSingle() - 0.5f)];
                float[] before = [.. Enumerable.Range(0, rows * weights).Select(_ => random.NextSingle())];
                foreach (bool add in (bool[])[false, true])
                {
                    float[] actual = [.. before];
                    fixed (
                        float* wp = w,
                            xp = x,
                            rp = actual
                    )
                    fixed (BFloat16* hp = half)
                        kernels
                            .ForFloats(width)
                            .Product(bfloat16 ? hp : wp, bfloat16, width, 0, weights, xp, width, rows, rp, weights, add);
                    for (int r = 0; r < rows; r++)
                    {
                        for (int o = 0; o < weights; o++)
                        {
                            double expected = add ? before[r * weights + o] : 0;
                            for (int i = 0; i < width; i++)
                                expected += (double)w[o * width + i] * x[r * width + i];
                            Assert.InRange(actual[r * weights + o], expected - 1e-5 * Math.Sqrt(width), expected + 1e-5 * Math.Sqrt(width));
                        }
                    }
                }
            }
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void A_row_gives_the_same_bits_with_any_other_rows_and_weights(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        var random = new Random(4);
        foreach (int width in (int[])[1, 24, 100, 576])
        {
            const int weights = 11,
                rows = 16;
            float[] w = [.. Enumerable.Range(0, weights * width).Select(_ => random.NextSingle() - 0.5f)];
            float[] x = [.. Enumerable.Range(0, rows * width).Select(_ => random.NextSingle() - 0.5f)];
            float[] together = new float[rows * weights];
            float[] apart = new float[rows * weights];
            fixed (
                float* wp = w,
                    xp = x,
                    t = together,
                    a = apart
            )
            {
                kernels.ForFloats(width).Product(wp, false, width, 0, weights, xp, width, rows, t, weights, false);
                for (int r = 0; r < rows; )
                {
                    int count = Math.Min(random.Next(1, 8), rows - r),
                        split = random.Next(weights);
                    kernels
                        .ForFloats(width)
                        .Product(wp, false, width, 0, split, xp + r * width, width, count, a + r * weights, weights, false);
                    kernels
                        .ForFloats(width)
                        .Product(wp, false, width, split, weights, xp + r * width, width, count, a + r * weights, weights, false);
                    r += count;
                }
            }
            Assert.Equal(together.Select(BitConverter.SingleToInt32Bits), apart.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Theory, MemberData(nameof(Sets))]
    public void Products_with_4_bit_weights_equal_plain_loops_and_give_the_same_bits_with_any_other_rows(KernelSet set)
    {
        NibbleProduct product = VectorKernels.Of(TestKernels.Required(set)).Nibbles;
        var random = new Random(5);
        foreach ((int weights, int width, int rows) in ((int, int, int)[])[(1, 64, 1), (4, 64, 2), (7, 192, 3), (30, 576, 5), (9, 1536, 4)])
        {
            int groups = width / NibbleProduct.Group;
            sbyte[] w = [.. Enumerable.Range(0, weights * width).Select(_ => (sbyte)random.Next(-8, 8))];
            short[] x = [.. Enumerable.Range(0, rows * width).Select(_ => (short)random.Next(-32767, 32768))];
            BFloat16[] scales = [.. Enumerable.Range(0, weights * groups).Select(_ => BFloat16.Of(random.NextSingle() - 0.5f))];
            float[] rowScales = [.. Enumerable.Range(0, rows).Select(_ => 0.01f + random.NextSingle())];
            float[] before = [.. Enumerable.Range(0, rows * weights).Select(_ => random.NextSingle())];
            byte[] packed = new byte[w.Length / 2];
            float[] sums = new float[rows * groups];
            foreach (bool add in (bool[])[false, true])
            {
                float[] together = [.. before],
                    apart = [.. before];
                fixed (sbyte* wp = w)
                fixed (byte* lp = packed)
                fixed (short* xp = x)
                fixed (BFloat16* sp = scales)
                fixed (
                    float* rs = rowScales,
                        gs = sums,
                        tp = together,
                        ap = apart
                )
                {
                    product.Pack(wp, width, weights, lp);
                    for (int r = 0; r < rows; r++)
                        product.SumGroups(xp + r * width, width, gs + r * groups);
                    product.Run(lp, sp, width, 0, weights, xp, gs, rs, rows, tp, weights, add);
                    for (int r = 0; r < rows; r++)
                    {
                        for (int from = 0; from < weights; from += 4)
                            product.Run(
                                lp,
                                sp,
                                width,
                                from,
                                Math.Min(weights, from + 4),
                                xp + r * width,
                                gs + r * groups,
                                rs + r,
                                1,
                                ap + r * weights,
                                weights,
                                add
                            );
                    }
                }
                Assert.Equal(together.Select(BitConverter.SingleToInt32Bits), apart.Select(BitConverter.SingleToInt32Bits));
                for (int r = 0; r < rows; r++)
                {
                    for (int o = 0; o < weights; o++)
                    {
                        double expected = 0,
                            size = 0;
                        for (int i = 0; i < width; i++)
                        {
                            double term =
                                (double)w[o * width + i]
                                * x[r * width + i]
                                * scales[o * groups + i / NibbleProduct.Group].ToSingle()
                                * rowScales[r];
                            expected += term;
                            size += Math.Abs(term);
                        }
                        Assert.Equal(expected + (add ? before[r * weights + o] : 0), together[r * weights + o], 1e-6 * size + 1e-6);
                    }
                }
            }
        }
    }

    private static void CheckIntegers(VectorKernels.Choice kernels, sbyte[] w, short[] x, int weights, int width, int rows, Random random)
    {
        BFloat16[] scales = [.. Enumerable.Range(0, weights).Select(_ => BFloat16.Of(0.01f + random.NextSingle()))];
        float[] rowScales = [.. Enumerable.Range(0, rows).Select(_ => 0.01f + random.NextSingle())];
        float[] actual = new float[rows * weights];
        sbyte[] packed = new sbyte[w.Length];
        fixed (
            sbyte* wp = w,
                lp = packed
        )
        fixed (short* xp = x)
        fixed (BFloat16* sp = scales)
        fixed (
            float* rs = rowScales,
                rp = actual
        )
        {
            kernels.ForShorts(width).Pack(wp, width, weights, lp);
            kernels.ForShorts(width).Product(lp, sp, width, 0, weights, xp, rs, rows, rp, weights, false);
        }
        for (int r = 0; r < rows; r++)
        {
            for (int o = 0; o < weights; o++)
            {
                long sum = 0;
                for (int i = 0; i < width; i++)
                    sum += w[o * width + i] * x[r * width + i];
                Assert.Equal((float)sum * (scales[o].ToSingle() * rowScales[r]), actual[r * weights + o]);
            }
        }
    }
}
