using Streaming.Inference.Sampling;

namespace Streaming.Inference.Tests.Sampling;

/// <summary>Sampling that is in its ranges can always be used, at their ends too.</summary>
public class SamplingRangeTests
{
    [Fact]
    public void Every_sampling_in_its_ranges_gives_a_token()
    {
        const int Vocabulary = 300;
        var random = new Random(5);
        float[] row = [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(random.NextDouble() - 0.5) * 60)];
        int[] cached = [.. Enumerable.Range(0, Vocabulary / 2)];
        var sampler = new Sampler([0]);
        int sampled = 0;
        foreach (double temperature in (double[])[0, double.Epsilon, 1e-310, 1e-7, 100])
        foreach (double topP in (double[])[double.Epsilon, 0.5, 1])
        foreach (double typicalP in (double[])[double.Epsilon, 0.5, 1])
        foreach (double minP in (double[])[0, double.Epsilon, 1])
        foreach (int topK in (int[])[0, 1, int.MaxValue])
        foreach (double repeatPenalty in (double[])[1e-6, 1, 100])
        foreach (double penalty in (double[])[-2, 0, 2])
        {
            var sampling = new SamplingParameters
            {
                Temperature = temperature,
                TopP = topP,
                TypicalP = typicalP,
                MinP = minP,
                TopK = topK,
                RepeatPenalty = repeatPenalty,
                FrequencyPenalty = penalty,
                PresencePenalty = penalty,
                LogitBias = new Dictionary<int, double>
                {
                    [1] = 100,
                    [2] = -100,
                    [3] = double.Epsilon,
                },
            };
            sampling.Validate(Vocabulary);

            Assert.InRange(sampler.Sample([.. row], sampling, branch: 0, position: sampled++, cached), 0, Vocabulary - 1);
        }
        Assert.Equal(5 * 3 * 3 * 3 * 3 * 3 * 3, sampled);
    }
}
