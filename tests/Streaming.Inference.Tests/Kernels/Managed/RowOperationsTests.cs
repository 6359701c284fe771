using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Tests.Kernels.Managed;

/// <summary>Compares operations on rows with plain loops in float64.</summary>
public unsafe class RowOperationsTests
{
    private static readonly int[] Widths = [1, 5, 12, 24, 64, 100, 576, 999];

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void A_norm_divides_by_the_root_of_the_mean_square(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        foreach (int width in Widths)
        {
            float[] x = Numbers(width, 1, 3),
                w = Numbers(width, 2, 1),
                actual = new float[width];
            BFloat16[] half = [.. w.Select(BFloat16.Of)];
            double scale = 1 / Math.Sqrt(x.Sum(value => (double)value * value) / width + 1e-5);
            fixed (
                float* xp = x,
                    wp = w,
                    rp = actual
            )
            fixed (BFloat16* hp = half)
            {
                kernels.ForFloats(width).Normalise(xp, wp, false, width, 1e-5, rp);
                AssertClose(x.Zip(w, (value, weight) => value * scale * weight), actual, 1e-5);
                kernels.ForFloats(width).Normalise(xp, hp, true, width, 1e-5, rp);
                AssertClose(x.Zip(half, (value, weight) => value * scale * weight.ToSingle()), actual, 1e-5);
            }
        }
    }

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void Exponentials_are_accurate_to_two_units_in_the_last_place(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        float[] exponents =
        [
            0,
            .. Numbers(20_000, 5, 86).Select(number => -Math.Abs(number)),
            -1e-8f,
            -86.9f,
            -1000,
            float.NegativeInfinity,
        ];
        float[] actual = [.. exponents, .. new float[16]];
        float sum;
        fixed (float* ap = actual)
            sum = kernels.ForFloats(16).ExpOfDifferences(ap, exponents.Length);
        for (int i = 0; i < exponents.Length - 2; i++)
            Assert.InRange(actual[i] / Math.Exp(exponents[i]), 1 - 2.4e-7, 1 + 2.4e-7);
        Assert.InRange(actual[exponents.Length - 2], 0, 1e-37f);
        Assert.InRange(actual[exponents.Length - 1], 0, 1e-37f);
        Assert.Equal(actual.Take(exponents.Length).Sum(number => (double)number), sum, 1e-5 * sum);
    }

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void A_gate_is_the_sigmoid_linear_unit_times_up(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        foreach (int width in Widths)
        {
            float[] gate = Numbers(width, 3, 40),
                up = Numbers(width, 4, 2),
                actual = new float[width];
            gate[0] = -200; // e^200 is beyond float32
            fixed (
                float* gp = gate,
                    upp = up,
                    rp = actual
            )
                kernels.ForFloats(width).Gate(gp, upp, width, rp);
            AssertClose(gate.Zip(up, (g, u) => g / (1 + Math.Exp(-(double)g)) * u), actual, 1e-5);
        }
    }

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void Quantised_rows_are_within_half_a_step_and_use_the_whole_range(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        foreach (int width in Widths)
        {
            float[] x = Numbers(width, 5, 7);
            short[] actual = new short[width];
            float scale;
            fixed (float* xp = x)
            fixed (short* rp = actual)
                scale = kernels.ForFloats(width).Quantise(xp, width, rp);
            Assert.Equal(short.MaxValue, actual.Max(value => Math.Abs((int)value)));
            for (int i = 0; i < width; i++)
                Assert.InRange(actual[i] * (double)scale - x[i], -0.51 * scale, 0.51 * scale);
        }
    }

    [Theory, MemberData(nameof(ProductTests.Sets), MemberType = typeof(ProductTests))]
    public void A_row_of_zeros_quantises_to_zeros_and_a_row_with_infinity_to_NaN(KernelSet set)
    {
        VectorKernels.Choice kernels = VectorKernels.Of(TestKernels.Required(set));
        float[] x = new float[24];
        short[] actual = new short[24];
        fixed (float* xp = x)
        fixed (short* rp = actual)
        {
            Assert.Equal(0, kernels.ForFloats(24).Quantise(xp, 24, rp));
            Assert.All(actual, value => Assert.Equal(0, value));
            foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                x[17] = bad;
                Assert.True(float.IsNaN(kernels.ForFloats(24).Quantise(xp, 24, rp)));
            }
        }
    }

    [Fact]
    public void Bfloat16_rounds_to_the_nearest_and_to_even_like_libtorch()
    {
        float[] numbers =
        [
            .. Numbers(1000, 6, 1000),
            0,
            -0f,
            1.00390625f,
            1.01171875f,
            float.MaxValue,
            float.PositiveInfinity,
            float.NaN,
            1e-40f,
        ];
        using TorchSharp.torch.Tensor tensor = TorchSharp.torch.tensor(numbers);
        using TorchSharp.torch.Tensor half = tensor.to(TorchSharp.torch.ScalarType.BFloat16);
        using TorchSharp.torch.Tensor back = half.to(TorchSharp.torch.ScalarType.Float32);

        Assert.Equal(back.data<float>().ToArray(), numbers.Select(number => BFloat16.Of(number).ToSingle()));
    }

    private static float[] Numbers(int count, int seed, float range)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => range * (2 * random.NextSingle() - 1))];
    }

    private static void AssertClose(IEnumerable<double> expected, float[] actual, double relative)
    {
        int i = 0;
        foreach (double value in expected)
        {
            double allowed = relative * Math.Abs(value) + 1e-30;
            Assert.InRange(actual[i++], value - allowed, value + allowed);
        }
        Assert.Equal(actual.Length, i);
    }
}
