using Streaming.Inference.Sampling;

namespace Streaming.Inference.Tests.Sampling;

public class SamplerTests
{
    private const int Vocabulary = 12;
    private static readonly SamplingParameters Plain = new() { Temperature = 1, TopP = 1 };

    /// <summary>Temperature, top-k, top-p, min-p.</summary>
    public static TheoryData<double, int, double, double> Filters =>
        new()
        {
            { 1, 0, 1, 0 },
            { 0.5, 0, 1, 0 },
            { 2, 0, 1, 0 },
            { 1, 1, 1, 0 },
            { 1, 3, 1, 0 },
            { 1, 12, 1, 0 },
            { 1, 500, 1, 0 },
            { 1, 0, 0.5, 0 },
            { 1, 0, 0.9, 0 },
            { 1, 0, 0.999, 0 },
            { 1, 0, 1e-9, 0 },
            { 1, 0, 1, 0.2 },
            { 1, 0, 1, 1 },
            { 0.7, 5, 0.8, 0 },
            { 1.5, 6, 0.9, 0.15 },
            { 1, 0, 0.95, 0.3 },
            { 1, 8, 0.99, 0.4 },
        };

    [Theory]
    [MemberData(nameof(Filters))]
    public void Token_frequencies_match_a_plain_reference(double temperature, int topK, double topP, double minP)
    {
        SamplingParameters parameters = Plain with { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP };
        var random = new Random(3);
        float[] logits = [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(2 * random.NextDouble() - 1) * 2)];
        logits[7] = logits[2]; // a tie
        double[] expected = Reference(logits, parameters);
        var sampler = new Sampler([]);
        const int draws = 40_000;
        int[] counts = new int[Vocabulary];
        for (int position = 0; position < draws; position++)
            counts[sampler.Sample([.. logits], parameters with { Seed = 11 }, branch: 0, position, [])]++;

        for (int id = 0; id < Vocabulary; id++)
        {
            if (expected[id] == 0)
                Assert.Equal(0, counts[id]);
            double deviation = Math.Sqrt(draws * expected[id] * (1 - expected[id]));
            Assert.InRange(counts[id], draws * expected[id] - 4.5 * deviation, draws * expected[id] + 4.5 * deviation);
        }
    }

    [Fact]
    public void A_large_vocabulary_keeps_exactly_the_nucleus_of_a_full_sort()
    {
        const int vocabulary = 5000;
        var random = new Random(4);
        for (int round = 0; round < 20; round++)
        {
            float[] logits =
            [
                .. Enumerable
                    .Range(0, vocabulary)
                    .Select(_ => (float)(4 * random.NextDouble() * random.NextDouble() * random.NextDouble() * 3)),
            ];
            SamplingParameters parameters = Plain with
            {
                TopP = 0.05 + 0.9 * random.NextDouble(),
                TopK = round % 3 == 0 ? 40 : 0,
                Seed = (ulong)round,
            };
            double[] expected = Reference(logits, parameters);
            var sampler = new Sampler([]);
            for (int position = 0; position < 100; position++)
            {
                // The random number selects a token by its share of the cumulative sum, most likely first.
                double left = StreamRandom.Uniform(parameters.Seed, 5, position);
                int wanted = Enumerable
                    .Range(0, vocabulary)
                    .OrderByDescending(id => expected[id])
                    .ThenBy(id => id)
                    .First(id => (left -= expected[id]) < 1e-12);

                Assert.Equal(wanted, sampler.Sample([.. logits], parameters, branch: 5, position, []));
            }
        }
    }

    [Fact]
    public void Temperature_zero_selects_the_most_likely_token_with_the_lowest_id()
    {
        var sampler = new Sampler([]);

        Assert.Equal(2, sampler.Sample([1, 0, 5, 5, -3], Plain with { Temperature = 0 }, 0, 0, []));
    }

    [Fact]
    public void Top_k_keeps_the_lowest_ids_of_equally_likely_tokens()
    {
        var sampler = new Sampler([]);
        HashSet<int> seen = [];
        for (int position = 0; position < 200; position++)
            seen.Add(sampler.Sample([1, 2, 1, 1, 1], Plain with { TopK = 3 }, 0, position, []));

        Assert.Equal([0, 1, 2], seen.Order());
    }

    [Fact]
    public void The_sample_depends_only_on_seed_branch_and_position()
    {
        SamplingParameters parameters = Plain with { TopP = 0.95, Seed = 99 };
        float[] logits = [.. Enumerable.Range(0, 200).Select(i => (float)Math.Sin(i))];
        var first = new Sampler([]);
        int[] inOrder = [.. Enumerable.Range(0, 50).Select(position => first.Sample([.. logits], parameters, 2, position, []))];
        var second = new Sampler([]);
        int[] backwards =
        [
            .. Enumerable.Range(0, 50).Reverse().Select(position => second.Sample([.. logits], parameters, 2, position, [])),
        ];

        Assert.Equal(inOrder, backwards.Reverse());
        Assert.NotEqual(inOrder, Enumerable.Range(0, 50).Select(position => second.Sample([.. logits], parameters, 3, position, [])));
        Assert.NotEqual(
            inOrder,
            Enumerable.Range(0, 50).Select(position => second.Sample([.. logits], parameters with { Seed = 100 }, 2, position, []))
        );
    }

    [Fact]
    public void Penalties_depend_on_the_count_of_a_token_in_the_cache()
    {
        SamplingParameters parameters = Plain with { Temperature = 0, RepeatPenalty = 2, FrequencyPenalty = 0.5, PresencePenalty = 0.25 };
        float[] logits = [4, -1, 3, 2];

        new Sampler([]).Sample(logits, parameters, 0, 0, cached: [0, 1, 0, 0, -1, 3, -1]);

        // 4/2 - 3·0.5 - 0.25;  -1·2 - 0.5 - 0.25;  not in the cache;  2/2 - 0.5 - 0.25
        Assert.Equal([0.25f, -2.75f, 3f, 0.25f], logits);
    }

    [Fact]
    public void Bias_is_added_to_the_logits_first()
    {
        SamplingParameters parameters = Plain with
        {
            Temperature = 0,
            RepeatPenalty = 2,
            LogitBias = new Dictionary<int, double> { [0] = 1, [2] = -100 },
        };
        float[] logits = [4, -1, 3, 2];

        Assert.Equal(0, new Sampler([]).Sample(logits, parameters, 0, 0, cached: [0, 3]));

        // (4 + 1)/2;  unchanged;  3 - 100;  2/2
        Assert.Equal([2.5f, -1f, -97f, 1f], logits);
    }

    [Theory]
    [InlineData(0), InlineData(2)]
    public void Frequencies_of_biased_tokens_match_their_distribution(double bias)
    {
        SamplingParameters parameters = Plain with
        {
            Seed = 4,
            LogitBias = new Dictionary<int, double> { [1] = bias },
        };
        var sampler = new Sampler([]);
        const int draws = 20_000;
        int chosen = Enumerable.Range(0, draws).Count(position => sampler.Sample([0, 0, 0], parameters, 0, position, []) == 1);

        double share = Math.Exp(bias) / (Math.Exp(bias) + 2);
        Assert.InRange(
            chosen,
            draws * share - 4.5 * Math.Sqrt(draws * share * (1 - share)),
            draws * share + 4.5 * Math.Sqrt(draws * share * (1 - share))
        );
    }

    [Fact]
    public void Log_probabilities_equal_those_of_the_softmax()
    {
        // Weights 1, 4, 2, 1, 4 of 12.
        float[] logits = [0, MathF.Log(4), MathF.Log(2), 0, MathF.Log(4)];

        var told = TokenLogProbabilities.Of(logits, sampled: 3, top: 4);

        Assert.Equal((3, Math.Log(1 / 12.0)), (told.Sampled.Id, told.Sampled.LogProbability), Near);
        Assert.Equal([1, 4, 2, 0], told.Top.Select(t => t.Id)); // ties by the lowest id
        Assert.Equal(
            [Math.Log(4 / 12.0), Math.Log(4 / 12.0), Math.Log(2 / 12.0), Math.Log(1 / 12.0)],
            told.Top.Select(t => t.LogProbability),
            (a, b) => Math.Abs(a - b) < 1e-6
        );
        Assert.Empty(TokenLogProbabilities.Of(logits, sampled: 0, top: 0).Top);

        static bool Near((int Id, double Log) a, (int Id, double Log) b) => a.Id == b.Id && Math.Abs(a.Log - b.Log) < 1e-6;
    }

    [Theory]
    [InlineData(0), InlineData(1)]
    public void Ignored_end_tokens_are_never_sampled(double temperature)
    {
        var sampler = new Sampler([1, 3]);
        SamplingParameters parameters = Plain with { Temperature = temperature };
        for (int position = 0; position < 200; position++)
        {
            Assert.Contains(sampler.Sample([0, 9, 0, 9], parameters with { IgnoreEos = true }, 0, position, []), (int[])[0, 2]);
            Assert.Contains(sampler.Sample([-20, 9, -20, 9], parameters, 0, position, []), (int[])[1, 3]);
        }
    }

    [Theory]
    [
        InlineData(float.NaN, 0f),
        InlineData(float.NegativeInfinity, float.NegativeInfinity),
        InlineData(0f, float.PositiveInfinity),
        InlineData(0f, float.NaN)
    ]
    public void Logits_that_are_not_finite_throw(float first, float second)
    {
        Assert.Throws<ArithmeticException>(() => new Sampler([]).Sample([first, second], Plain, 0, 0, []));
    }

    [Theory]
    [InlineData("Temperature", -0.1), InlineData("Temperature", 101), InlineData("Temperature", double.NaN)]
    [InlineData("TopP", 0), InlineData("TopP", 1.01), InlineData("TopP", double.NaN)]
    [InlineData("TopK", -1), InlineData("MinP", -0.1), InlineData("MinP", 1.1)]
    [InlineData("RepeatPenalty", 1e-40), InlineData("TypicalP", 0), InlineData("TypicalP", 1.1), InlineData("TypicalP", double.NaN)]
    [InlineData("NoRepeatNgramSize", -1), InlineData("MinNewTokens", -1)]
    [InlineData("RepeatPenalty", 0), InlineData("FrequencyPenalty", 2.1), InlineData("PresencePenalty", -2.1), InlineData("MaxTokens", -1)]
    public void Refuses_a_value_outside_its_range_by_name(string name, double value)
    {
        SamplingParameters parameters = name switch
        {
            "Temperature" => Plain with { Temperature = value },
            "TopP" => Plain with { TopP = value },
            "TopK" => Plain with { TopK = (int)value },
            "MinP" => Plain with { MinP = value },
            "TypicalP" => Plain with { TypicalP = value },
            "NoRepeatNgramSize" => Plain with { NoRepeatNgramSize = (int)value },
            "MinNewTokens" => Plain with { MinNewTokens = (long)value },
            "RepeatPenalty" => Plain with { RepeatPenalty = value },
            "FrequencyPenalty" => Plain with { FrequencyPenalty = value },
            "PresencePenalty" => Plain with { PresencePenalty = value },
            _ => Plain with { MaxTokens = (long)value },
        };

        Assert.StartsWith($"{name} is ", Assert.Throws<InputException>(() => parameters.Validate()).Message, StringComparison.Ordinal);
        Plain.Validate();
    }

    public static TheoryData<SamplingParameters> Extremes =>
        [
            Plain with
            {
                RepeatPenalty = SamplingParameters.LeastRepeatPenalty,
            },
            Plain with
            {
                RepeatPenalty = 100,
            },
            Plain with
            {
                FrequencyPenalty = 2,
                PresencePenalty = 2,
            },
            Plain with
            {
                FrequencyPenalty = -2,
                PresencePenalty = -2,
            },
            Plain with
            {
                Temperature = double.Epsilon,
            },
            Plain with
            {
                Temperature = 100,
            },
            Plain with
            {
                TopP = double.Epsilon,
            },
            Plain with
            {
                TopP = double.Epsilon,
                TopK = 3,
            },
            Plain with
            {
                TypicalP = double.Epsilon,
            },
            Plain with
            {
                TypicalP = double.Epsilon,
                TopP = double.Epsilon,
                MinP = 1,
                Temperature = double.Epsilon,
            },
            Plain with
            {
                TypicalP = 0.999999,
                MinP = 1,
            },
            Plain with
            {
                NoRepeatNgramSize = int.MaxValue,
                MinNewTokens = long.MaxValue,
            },
            Plain with
            {
                LogitBias = new Dictionary<int, double> { [0] = 100, [1] = -100 },
            },
        ];

    [Theory]
    [MemberData(nameof(Extremes), DisableDiscoveryEnumeration = true)]
    public void Every_accepted_value_gives_a_token(SamplingParameters parameters)
    {
        parameters.Validate(Vocabulary);
        float[] logits = [1e4f, -1e4f, 0, 1e-30f, -1e-30f, 30, 30, 1, 2, 3, 4, 5];
        int[] cached = [0, 1, 2, 3, 4, 5, 5, 5];
        var sampler = new Sampler([11]);
        for (int position = 8; position < 40; position++)
        {
            var stream = new SampledStream
            {
                Position = position,
                CachedIds = cached,
                Layout = new(4, 4),
            };
            Assert.InRange(sampler.Sample([.. logits], parameters, stream), 0, Vocabulary - 1);
        }
    }

    /// <summary>Probabilities by full sorts, in the order of Hugging Face's processors.</summary>
    private static double[] Reference(float[] logits, SamplingParameters parameters)
    {
        double max = logits.Max();
        double[] probabilities = Normalise(Array.ConvertAll(logits, logit => Math.Exp((logit - max) / parameters.Temperature)));
        int[] order = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => probabilities[id]).ThenBy(id => id)];
        if (parameters.TopK > 0)
        {
            foreach (int id in order.Skip(parameters.TopK))
                probabilities[id] = 0;
            probabilities = Normalise(probabilities);
        }
        double before = 0;
        double[] nucleus = [.. probabilities];
        foreach (int id in order)
        {
            if (before >= parameters.TopP)
                nucleus[id] = 0;
            before += probabilities[id];
        }
        double most = nucleus.Max();
        return Normalise(Array.ConvertAll(nucleus, p => p >= parameters.MinP * most ? p : 0));
    }

    private static double[] Normalise(double[] weights)
    {
        double sum = weights.Sum();
        return Array.ConvertAll(weights, weight => weight / sum);
    }
}
