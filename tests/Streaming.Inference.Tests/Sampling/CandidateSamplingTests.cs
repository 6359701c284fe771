using Streaming.Inference.Sampling;

namespace Streaming.Inference.Tests.Sampling;

/// <summary>Top-p from candidates draws the same tokens as with the exact weight of every token.</summary>
public class CandidateSamplingTests
{
    [Theory]
    [InlineData(50, 4_000), InlineData(257, 4_000), InlineData(4_096, 600), InlineData(49_152, 40)]
    public void Draws_the_same_token_as_with_all_exact_weights(int vocabulary, int draws)
    {
        var random = new Random(vocabulary);
        var sampler = new Sampler([]);
        var exact = new Sampler([]);
        for (int draw = 0; draw < draws; draw++)
        {
            float[] logits = Logits(random, vocabulary);
            var parameters = new SamplingParameters
            {
                Temperature = random.Next(5) switch
                {
                    0 => 0.7,
                    1 => 1,
                    2 => 2.5,
                    3 => 100,
                    _ => 0.01 + random.NextDouble(),
                },
                TopP = random.Next(4) switch
                {
                    0 => 0.9,
                    1 => 0.999999,
                    2 => 1e-6,
                    _ => 0.01 + 0.98 * random.NextDouble(),
                },
                Seed = (ulong)draw,
            };
            double uniform = StreamRandom.Uniform(parameters.Seed, 1, draw);

            int expected = exact.SampleExactly(logits, logits.Max(), parameters, uniform);

            Assert.Equal(expected, sampler.Sample(logits, parameters, branch: 1, position: draw, cached: []));
        }
    }

    [Theory]
    [InlineData(0.01), InlineData(0.7), InlineData(1), InlineData(100)]
    public void The_sum_of_exponentials_is_within_its_error(double temperature)
    {
        var random = new Random(3);
        foreach (int vocabulary in (int[])[1, 7, 50, 257, 49_152, 128_256])
        {
            float[] logits = Logits(random, vocabulary);
            double max = logits.Max(),
                exact = logits.Sum(logit => Math.Exp((logit - max) / temperature));

            Assert.InRange(
                ExponentialSum.Of(logits, max, temperature) / exact,
                1 - ExponentialSum.Error / 10,
                1 + ExponentialSum.Error / 10
            );
        }
    }

    /// <summary>Logits: peaked or flat, with ties, far below the others, or minus infinity.</summary>
    private static float[] Logits(Random random, int vocabulary)
    {
        float size = random.Next(4) switch
        {
            0 => 0.01f,
            1 => 1,
            2 => 8,
            _ => 40,
        };
        int kind = random.Next(3);
        float[] logits =
        [
            .. Enumerable
                .Range(0, vocabulary)
                .Select(_ =>
                    kind switch
                    {
                        0 => size * (2 * random.NextSingle() - 1),
                        1 => size * random.Next(-3, 4),
                        _ => (float)(-size * Math.Log(1 - random.NextDouble())),
                    }
                ),
        ];
        for (int i = 0; i < vocabulary / 10; i++)
            logits[random.Next(1, vocabulary)] = random.Next(2) == 0 ? float.NegativeInfinity : -1e30f;
        return logits;
    }
}
