using System.Runtime.InteropServices;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Kernels.Managed;
using Streaming.Inference.Memory;
using Streaming.Inference.Tests.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// Weights are converted block by block while they are read, to the same bits as libtorch's conversion of the whole.
/// </summary>
public class WeightLoaderTests
{
    /// <summary>
    /// Numbers of rows that no block divides, so that some blocks have rows of several matrices. The other shapes have widths that no
    /// vector divides.
    /// </summary>
    private const int Width = 192,
        QueryRows = 6 * 64 + 2,
        KeyRows = 1_001,
        ValueRows = 1_003;

    private static readonly (string Name, long Rows)[] Parts = [("query", QueryRows), ("key", KeyRows), ("value", ValueRows)];

    public static readonly TheoryData<torch.ScalarType, DType, int> Cases = new(
        from stored in (torch.ScalarType[])[torch.ScalarType.Float32, torch.ScalarType.BFloat16, torch.ScalarType.Float16]
        from type in (DType[])[DType.Float32, DType.BFloat16, DType.Int8, DType.Int4]
        from threads in (int[])[1, 3]
        select new TheoryDataRow<torch.ScalarType, DType, int>(stored, type, threads)
    );

    [Theory, MemberData(nameof(Cases))]
    public void A_fused_weight_has_the_same_bits_as_the_plain_conversion(torch.ScalarType stored, DType type, int threads)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor[] parts = [.. Parts.Select((part, i) => Numbers(part.Rows, Width, seed: i).to(stored))];
        using IKernels kernels = Kernels();
        using var load = new MatrixLoader(kernels, DTypes.Activations(type), threads);

        Weight weight = load.Load(
            [.. parts.Select(part => ((IStoredMatrix)new TensorMatrix(part.clone()), part.shape[0]))],
            Width,
            FormOf(type)
        );

        (torch.Tensor rows, torch.Tensor? scales) = Plain(torch.cat(parts, 0), type, kernels);
        AssertSameBytes(rows, weight.Rows);
        Assert.Equal(scales is null, weight.Scales is null);
        if (scales is not null)
            AssertSameBytes(scales, weight.Scales!);
    }

    [Theory]
    [InlineData(1), InlineData(24), InlineData(40), InlineData(129)]
    public void Rows_of_any_width_have_the_same_bits_as_the_plain_conversion(int width)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor stored = Numbers(100, width, seed: 9);
        using IKernels kernels = Kernels();
        using var load = new MatrixLoader(kernels, torch.ScalarType.BFloat16, threads: 1);

        Weight weight = load.Load([(new TensorMatrix(stored.clone()), 100)], width, MatrixForm.Int8);

        (torch.Tensor rows, torch.Tensor? scales) = Plain(stored, DType.Int8, kernels);
        AssertSameBytes(rows, weight.Rows);
        AssertSameBytes(scales!, weight.Scales!);
    }

    [Theory]
    [InlineData(DType.Float32), InlineData(DType.BFloat16), InlineData(DType.Int8), InlineData(DType.Int4)]
    public void NaN_in_one_of_several_fused_matrices_is_refused_by_its_own_row(DType type)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor stored = torch.ones([70, 64]);
        stored[68, 40] = float.NaN;
        using IKernels kernels = Kernels();
        using var load = new MatrixLoader(kernels, torch.ScalarType.BFloat16, threads: 2);

        string sentence = Assert
            .Throws<InputException>(() =>
                load.Load(
                    [(new TensorMatrix(torch.ones([1_000, 64])), 1_000), (new TensorMatrix(stored.clone(), "The tensor 'b'"), 70)],
                    64,
                    FormOf(type)
                )
            )
            .Message;

        Assert.StartsWith("The tensor 'b' contains NaN or infinity in row 68", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_a_file_that_was_truncated_after_it_was_opened()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights("""{"a":{"dtype":"F32","shape":[64,64],"data_offsets":[0,16384]}}""", new byte[16384]);
        using var weights = SafetensorsWeights.Open(folder.Folder);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Cutting an open file needs Linux's truncate.");
        Assert.Equal(0, truncate(folder.PathOf("model.safetensors"), 9_000)); // .NET cannot truncate a file that it has open
        using IStoredMatrix matrix = ((IWeightSource)weights).Open("a", 64, 64);
        using IKernels kernels = Kernels();
        using var load = new MatrixLoader(kernels, torch.ScalarType.Float32, threads: 2);

        string sentence = Assert.Throws<InputException>(() => load.Load([(matrix, 64)], 64, MatrixForm.Int8)).Message;

        Assert.Contains("model.safetensors' ends within the tensor 'a'", sentence, StringComparison.Ordinal);
    }

    [DllImport("libc", CharSet = CharSet.Ansi)]
    private static extern int truncate(string path, long length);

    private static MatrixForm FormOf(DType type) =>
        type switch
        {
            DType.Int8 => MatrixForm.Int8,
            DType.Int4 => MatrixForm.Int4,
            _ => MatrixForm.Plain,
        };

    /// <summary>Values with ties, zeros, rows of zeros, and rows so small that they get the minimum scale.</summary>
    private static torch.Tensor Numbers(long rows, int width, int seed)
    {
        var random = new Random(seed);
        float[] numbers = new float[rows * width];
        for (int i = 0; i < numbers.Length; i++)
        {
            long row = i / width;
            float size = (row % 7) switch
            {
                3 => 0,
                5 => 1e-9f,
                _ => 1,
            };
            numbers[i] = size * (random.Next(4) == 0 ? random.Next(-4, 5) / 4f : 2 * random.NextSingle() - 1);
        }
        return torch.tensor(numbers, [rows, width]);
    }

    /// <summary>
    /// The whole matrix converted by libtorch's operations, then packed: [out, in] or [out, in / 2], and scales [out] or [out, groups].
    /// </summary>
    private static (torch.Tensor Rows, torch.Tensor? Scales) Plain(torch.Tensor stored, DType type, IKernels kernels)
    {
        torch.Tensor rows = stored.to(torch.ScalarType.Float32);
        using Scalar smallestScale = 1e-8f,
            one = 1;
        switch (type)
        {
            case DType.Int8:
                using (
                    Scalar largest = 127,
                        smallest = -127
                )
                {
                    torch.Tensor scales = rows.abs().amax([1]).div(largest).clamp_min(smallestScale).to(torch.ScalarType.BFloat16);
                    torch.Tensor quantised = (rows / scales.to(torch.ScalarType.Float32).unsqueeze(1)).round().clamp(smallest, largest);
                    return (Packed(quantised, kernels, nibbles: false), scales);
                }

            case DType.Int4:
                using (
                    Scalar largest = 7,
                        smallest = -8
                )
                {
                    torch.Tensor groups = rows.reshape(rows.shape[0], -1, NibbleProduct.Group);
                    torch.Tensor farthest = groups.gather(2, groups.abs().argmax(2, keepdim: true));
                    torch.Tensor scales = farthest.div(smallest).to(torch.ScalarType.BFloat16);
                    torch.Tensor divisors = scales.to(torch.ScalarType.Float32);
                    divisors = torch.where(
                        divisors.abs().clamp_min(smallestScale).eq(divisors.abs()),
                        divisors,
                        torch.full_like(divisors, one)
                    );
                    torch.Tensor quantised = (groups / divisors).round().clamp(smallest, largest);
                    return (Packed(quantised.reshape(rows.shape), kernels, nibbles: true), scales.squeeze(2));
                }

            default:
                return (rows.to(DTypes.Activations(type)), null);
        }
    }

    private static unsafe torch.Tensor Packed(torch.Tensor quantised, IKernels kernels, bool nibbles)
    {
        torch.Tensor rows = quantised.to(torch.ScalarType.Int8).contiguous();
        int count = (int)rows.shape[0],
            width = (int)rows.shape[1];
        torch.Tensor packed = torch.empty([count, nibbles ? width / 2 : width], torch.ScalarType.Int8);
        kernels.Pack((sbyte*)TensorMemory.AddressOf(rows), count, width, nibbles, (sbyte*)TensorMemory.AddressOf(packed));
        return packed;
    }

    private static IKernels Kernels() =>
        KernelFactory.Create(
            new KernelContext(TestShapes.Small, DType.Int8, torch.CPU, KernelSets.Resolve(KernelSet.Auto, DeviceType.CPU), Capacity: 8)
        );

    private static void AssertSameBytes(torch.Tensor expected, torch.Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.numel(), actual.numel());
        Assert.True(expected.contiguous().bytes.SequenceEqual(actual.contiguous().bytes), "The bits differ.");
    }
}
