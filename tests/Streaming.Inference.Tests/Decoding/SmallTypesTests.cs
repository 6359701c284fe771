using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// int8 and int4 compute what float32 computes with rounded weights, for widths of any kind: the difference from float32 is the rounding
/// of the weights and nothing else. The weights are rounded here by plain loops.
/// </summary>
public class SmallTypesTests
{
    private static readonly CacheLayout s_layout = new(4, 40);

    public static readonly TheoryData<DType, int, int, int, int> Shapes = new(
        from type in (DType[])[DType.Int8, DType.Int4]
        from shape in ((int, int, int, int)[])[(24, 40, 4, 8), (64, 128, 4, 16), (96, 160, 3, 32), (33, 75, 5, 6), (576, 1536, 9, 64)]
        select new TheoryDataRow<DType, int, int, int, int>(type, shape.Item1, shape.Item2, shape.Item3, shape.Item4)
    );

    [Theory, MemberData(nameof(Shapes))]
    public void Logits_are_those_of_float32_with_rounded_weights(DType type, int hidden, int inner, int heads, int headDim)
    {
        ModelConfig shape = TestShapes.Small with
        {
            HiddenSize = hidden,
            IntermediateSize = inner,
            Heads = heads,
            KeyValueHeads = 1,
            HeadDim = headDim,
        };
        int[] ids = Logits.RandomIds(60, shape.VocabularySize, seed: 50);
        var weights = new RandomWeights(51, gain: 1.5);
        List<float[]> exact = LogitsOf(shape, weights, DType.Float32, ids),
            rounded = LogitsOf(shape, new Rounded(weights, type), DType.Float32, ids),
            actual = LogitsOf(shape, weights, type, ids);

        double byKernels = Difference(rounded, actual),
            byRounding = Difference(exact, rounded);
        TestContext.Current.SendDiagnosticMessage(
            $"{type} {hidden}x{inner}: log-probabilities differ by {byRounding:f3} from rounding the weights, "
                + $"by {byKernels:f4} from kernels"
        );
        Assert.True(byKernels < 0.2, $"{byKernels:f4} from the kernels, {byRounding:f3} from the rounding of weights.");
    }

    /// <summary>The greatest difference of a log-probability.</summary>
    private static double Difference(List<float[]> expected, List<float[]> actual) =>
        expected.Zip(actual, (e, a) => LogProbabilities(e).Zip(LogProbabilities(a), (x, y) => Math.Abs(x - y)).Max()).Max();

    private static double[] LogProbabilities(float[] logits)
    {
        double most = logits.Max(),
            sum = most + Math.Log(logits.Sum(l => Math.Exp(l - most)));
        return [.. logits.Select(l => l - sum)];
    }

    private static List<float[]> LogitsOf(ModelConfig shape, IWeightSource weights, DType type, int[] ids)
    {
        using var decoder = Decoder.Load(shape, weights, new DecoderOptions { DType = type, Capacity = s_layout.Places });
        return new TestStream(decoder, 0, s_layout).Feed(ids, 7);
    }

    /// <summary>Weights as a type keeps them, in float32.</summary>
    private sealed class Rounded(IWeightSource weights, DType type) : IWeightSource
    {
        public torch.Tensor Read(string name, params ReadOnlySpan<long> shape)
        {
            using torch.Tensor exact = weights.Read(name, shape);
            float[] numbers = exact.data<float>().ToArray();
            int width = (int)shape[^1];
            if (shape.Length == 1 || name == "model.embed_tokens.weight")
                numbers = Array.ConvertAll(numbers, BFloat16);
            else
            {
                for (int row = 0; row < numbers.Length; row += width)
                    Round(numbers.AsSpan(row, width), type == DType.Int4 && name != "lm_head.weight");
            }
            return torch.tensor(numbers, shape.ToArray());
        }

        private static void Round(Span<float> row, bool nibbles)
        {
            int group = nibbles ? 32 : row.Length;
            for (int first = 0; first < row.Length; first += group)
            {
                Span<float> part = row[first..Math.Min(row.Length, first + group)];
                float farthest = 0;
                foreach (float number in part)
                    farthest = Math.Abs(number) > Math.Abs(farthest) ? number : farthest;
                float scale = BFloat16(nibbles ? farthest / -8 : Math.Abs(farthest) / 127);
                foreach (ref float number in part)
                    number = scale * Math.Clamp(MathF.Round(number / scale), nibbles ? -8 : -127, nibbles ? 7 : 127);
            }
        }

        private static float BFloat16(float number)
        {
            uint bits = BitConverter.SingleToUInt32Bits(number);
            return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
        }
    }
}
