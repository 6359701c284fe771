using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Kernels;

namespace Streaming.Inference.Tests.Decoding;

/// <summary>
/// Biases of keys and values: the int8 cache does not contain them, so that its precision is independent of their size. The oracle is
/// the paper's formula in float64.
/// </summary>
public class BiasTests
{
    private const int Tokens = 160;
    private static readonly CacheLayout s_layout = new(4, 40);

    /// <summary>As Qwen2: the base of RoPE makes the last pairs turn slowly.</summary>
    private static readonly ModelConfig s_shape = TestShapes.Small with
    {
        HiddenSize = 32,
        IntermediateSize = 64,
        HeadDim = 16,
        RopeTheta = 1_000_000,
        QueryKeyValueBias = true,
    };

    private static readonly int[] s_ids = Logits.RandomIds(Tokens, s_shape.VocabularySize, seed: 30);

    [Theory]
    [InlineData(DType.Int8, KernelSet.Auto), InlineData(DType.Int8, KernelSet.Avx2), InlineData(DType.Int8, KernelSet.Portable)]
    [InlineData(DType.Float32, KernelSet.Auto), InlineData(DType.Float32, KernelSet.Libtorch)]
    public void Precision_is_independent_of_a_constant_bias(DType type, KernelSet kernels)
    {
        double without = NatsFromTheOracle(type, kernels, key: 0, value: 0),
            withKey = NatsFromTheOracle(type, kernels, key: 900, value: 0),
            withValue = NatsFromTheOracle(type, kernels, key: 0, value: 900);

        TestContext.Current.SendDiagnosticMessage($"{type} {kernels}: {without:g3}, key {withKey:g3}, value {withValue:g3} nats");
        Assert.InRange(withKey, 0, 1.5 * without + 1e-8);
        Assert.InRange(withValue, 0, 1.5 * without + 1e-8);
    }

    /// <summary>The mean Kullback-Leibler divergence of a type's distributions from the oracle's.</summary>
    private static double NatsFromTheOracle(DType type, KernelSet kernels, float key, float value)
    {
        var weights = new BiasedWeights(31, s_shape, key, value);
        double[][] expected = new PaperOracle(s_shape, weights, s_layout.Fixed, s_layout.Window).FeedAll(s_ids);
        using Decoder decoder = Load(type, kernels, weights);
        List<float[]> actual = new TestStream(decoder, 0, s_layout).Feed(s_ids, 1);
        return expected.Zip(actual, (e, a) => Divergence(e, [.. a.Select(l => (double)l)])).Average();
    }

    private static double Divergence(double[] expected, double[] actual)
    {
        double[] p = LogProbabilities(expected),
            q = LogProbabilities(actual);
        return p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum();
    }

    private static double[] LogProbabilities(double[] logits)
    {
        double most = logits.Max(),
            sum = most + Math.Log(logits.Sum(l => Math.Exp(l - most)));
        return [.. logits.Select(l => l - sum)];
    }

    [Theory]
    [InlineData(KernelSet.Auto, DType.Int8), InlineData(KernelSet.Avx2, DType.Int8), InlineData(KernelSet.Portable, DType.Int8)]
    [InlineData(KernelSet.Auto, DType.Int4)]
    public void A_model_with_biases_is_deterministic_in_chunks_beside_others_and_after_a_rebuild(KernelSet kernels, DType type)
    {
        var weights = new BiasedWeights(31, s_shape, key: 900, value: 50);
        using Decoder decoder = Load(type, kernels, weights, deterministic: true, slots: 3, threads: 2);
        List<float[]> expected = new TestStream(decoder, 0, s_layout).Feed(s_ids, 1);
        TestStream[] streams = [new(decoder, 1, s_layout), new(decoder, 2, new CacheLayout(0, 44))];

        for (int at = 0; at < Tokens; at += 10)
        {
            List<float[]> rows = TestStream.Rows(decoder, [.. streams.Select(stream => stream.Next(s_ids.AsMemory(at, 10)))]);
            for (int i = 0; i < 10; i++)
                Assert.Equal(expected[at + i], rows[i]);
        }
        decoder.Clear(1);
        int length = decoder.RebuildLength(s_layout.Window);
        var rebuilt = new TestStream(decoder, 1, s_layout);
        rebuilt.Feed(s_ids.AsMemory(0, s_layout.Fixed), 3);
        rebuilt.JumpTo(Tokens - length);
        Assert.Equal(expected[^1], rebuilt.Feed(s_ids.AsMemory(Tokens - length, length), 17)[^1]);
    }

    private static Decoder Load(
        DType type,
        KernelSet kernels,
        IWeightSource weights,
        bool deterministic = false,
        int slots = 1,
        int threads = 1
    ) =>
        Decoder.Load(
            s_shape,
            weights,
            new DecoderOptions
            {
                DType = type,
                Kernels = TestKernels.Required(kernels),
                Capacity = s_layout.Places,
                Deterministic = deterministic,
                Slots = slots,
                Threads = threads,
            }
        );
}
