using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Decoding;

namespace Streaming.Inference.Tests.Evaluation;

/// <summary>The content of a benchmark's result; speed is not tested.</summary>
public class DecodeBenchmarkTests
{
    [Theory]
    [
        InlineData(CachePolicy.Dense, 16 + 15),
        InlineData(CachePolicy.Window, 16),
        InlineData(CachePolicy.Recompute, 16),
        InlineData(CachePolicy.Streaming, 16)
    ]
    public void Each_step_feeds_every_stream_a_token_and_the_cache_has_the_policys_size(CachePolicy policy, int places)
    {
        const int batch = 3,
            tokens = 5;
        using var model = EvaluationModel.Load(
            TestShapes.Small,
            new RandomWeightSource(),
            new EvaluationOptions
            {
                Policy = policy,
                Sinks = 4,
                Window = 12,
                Batch = batch,
                DType = DType.Float32,
                Threads = 1,
                Growth = policy == CachePolicy.Dense ? DecodeBenchmark.Growth(policy, tokens) : 0,
            }
        );
        var steps = new List<int>();

        DecodeBenchmarkResult result = DecodeBenchmark.Run(model, tokens, steps.Add, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal([1, 2, 3, 4, 5], steps);
        Assert.Equal(tokens, result.StepMs.Count);
        Assert.All(result.StepMs, ms => Assert.True(ms > 0));
        Assert.Equal(2 * 2 * batch * 2 * places * 8 * 4, result.CacheBytes); // keys and values, layers, slots, heads, places, head, float32
        Assert.InRange(result.PeakBytes, 1 << 20, long.MaxValue);
    }

    [Fact]
    public void Reports_the_median_the_99th_percentile_and_tokens_per_second()
    {
        var result = new DecodeBenchmarkResult(Batch: 4, [.. Enumerable.Range(1, 199).Select(ms => (double)ms)], 0, 0);
        Assert.Equal(100, result.MsPerToken);
        Assert.Equal(198, result.P99Ms);
        Assert.Equal(1000.0 * 4 * 199 / (199 * 200 / 2), result.TokensPerSecond, 1e-9);
    }

    [Fact]
    public void Random_weights_depend_only_on_seed_and_name()
    {
        float[] first = Values(1, "a"),
            again = Values(1, "a"),
            otherName = Values(1, "b"),
            otherSeed = Values(2, "a");
        Assert.Equal(first, again);
        Assert.NotEqual(first, otherName);
        Assert.NotEqual(first, otherSeed);

        static float[] Values(int seed, string name)
        {
            using TorchSharp.torch.Tensor tensor = new RandomWeightSource(seed).Read(name, 4, 8);
            using TorchSharp.torch.Tensor single = tensor.to(TorchSharp.torch.ScalarType.Float32);
            return single.data<float>().ToArray();
        }
    }

    [Theory]
    [InlineData("smol135m", 134_515_008), InlineData("llama1b", 1_235_814_400)]
    public void Named_shapes_have_the_parameters_of_their_models(string name, long parameters)
    {
        ModelConfig shape = NamedShapes.Of(name);
        long h = shape.HiddenSize,
            q = shape.Heads * shape.HeadDim,
            kv = shape.KeyValueHeads * shape.HeadDim;
        long layer = 2 * h + 2 * h * q + 2 * h * kv + 3 * h * shape.IntermediateSize;
        Assert.True(shape.TiedHead);
        Assert.Equal(parameters, shape.VocabularySize * h + shape.Layers * layer + h);
    }

    [Fact]
    public void Refuses_an_unknown_shape_and_lists_the_known_ones() =>
        Assert.Contains(
            "smol135m or llama1b",
            Assert.Throws<InputException>(() => NamedShapes.Of("gpt5")).Message,
            StringComparison.Ordinal
        );
}
