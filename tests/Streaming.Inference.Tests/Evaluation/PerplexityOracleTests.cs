using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Decoding;

namespace Streaming.Inference.Tests.Evaluation;

/// <summary>Compares every policy's perplexity with the paper's formula in float64, token by token.</summary>
public class PerplexityOracleTests
{
    private const int Sinks = 4,
        Window = 12,
        Places = Sinks + Window,
        Start = 1,
        Tokens = 100;
    private const double Tolerance = 1e-5; // nats per token
    private static readonly RandomWeights Weights = new(seed: 7, gain: 1.5);
    private static readonly int[] Text = Logits.RandomIds(Tokens, TestShapes.Small.VocabularySize, seed: 5);

    [Theory]
    [InlineData(CachePolicy.Dense, 1), InlineData(CachePolicy.Dense, 7), InlineData(CachePolicy.Dense, 256)]
    [InlineData(CachePolicy.Window, 1), InlineData(CachePolicy.Window, 7), InlineData(CachePolicy.Window, 256)]
    [InlineData(CachePolicy.Recompute, 1), InlineData(CachePolicy.Recompute, 7), InlineData(CachePolicy.Recompute, 256)]
    [InlineData(CachePolicy.Streaming, 1), InlineData(CachePolicy.Streaming, 7), InlineData(CachePolicy.Streaming, 256)]
    public void Every_policy_gives_the_oracles_likelihoods_with_any_chunk_size(CachePolicy policy, int chunk)
    {
        double[] expected = OracleOf(policy, Start);

        PerplexityResult result = Measure(policy, EvaluationText.Of(Start, Text), segmentLength: 1, chunk: chunk);

        Assert.Equal(Tokens, result.Tokens);
        Assert.Equal(Tokens, result.Segments.Count);
        for (int token = 0; token < Tokens; token++)
            Assert.Equal(expected[token], Math.Log(result.Segments[token].Perplexity), Tolerance);
        Assert.Equal(expected.Average(), result.Nll, Tolerance);
        Assert.Equal(Math.Exp(expected.Average()), result.Perplexity, 0.01);
    }

    [Fact]
    public void All_policies_agree_until_the_cache_is_full_and_differ_afterwards()
    {
        double[][] expected = [.. Enum.GetValues<CachePolicy>().Select(policy => OracleOf(policy, Start))];
        for (int first = 0; first < expected.Length; first++)
        {
            for (int second = first + 1; second < expected.Length; second++)
            {
                Assert.Equal(0, Enumerable.Range(0, Places).Max(token => Math.Abs(expected[first][token] - expected[second][token])), 1e-9);
                Assert.True(
                    Math.Abs(expected[first][Places..].Average() - expected[second][Places..].Average()) > 100 * Tolerance,
                    $"{first} and {second} do not differ."
                );
            }
        }
    }

    [Theory]
    [InlineData(CachePolicy.Dense), InlineData(CachePolicy.Window), InlineData(CachePolicy.Recompute), InlineData(CachePolicy.Streaming)]
    public void Feeds_but_does_not_score_the_first_token_if_there_is_no_start_token(CachePolicy policy)
    {
        double[] expected = OracleOf(policy, bos: null);

        PerplexityResult result = Measure(policy, EvaluationText.Of(null, Text), segmentLength: 1);

        Assert.Equal(Tokens - 1, result.Tokens);
        for (int token = 0; token < Tokens - 1; token++)
            Assert.Equal(expected[token], Math.Log(result.Segments[token].Perplexity), Tolerance);
    }

    [Theory]
    [InlineData(CachePolicy.Dense), InlineData(CachePolicy.Window), InlineData(CachePolicy.Recompute), InlineData(CachePolicy.Streaming)]
    public void Scores_only_every_seventh_token_when_asked(CachePolicy policy)
    {
        double[] expected = [.. OracleOf(policy, Start).Where((_, token) => token % 7 == 0)];

        PerplexityResult result = Measure(policy, EvaluationText.Of(Start, Text), segmentLength: 14, every: 7, chunk: 5);

        Assert.Equal(expected.Length, result.Tokens);
        Assert.Equal(expected.Average(), result.Nll, Tolerance);
        Assert.Equal([2, 2, 2, 2, 2, 2, 2, 1], result.Segments.Select(segment => segment.Tokens));
        Assert.Equal(expected[2..4].Average(), Math.Log(result.Segments[1].Perplexity), Tolerance);
    }

    private static PerplexityResult Measure(
        CachePolicy policy,
        EvaluationText text,
        int? segmentLength = null,
        int every = 1,
        int? chunk = null
    )
    {
        using var model = EvaluationModel.Load(
            TestShapes.Small,
            Weights,
            new EvaluationOptions
            {
                Policy = policy,
                Sinks = Sinks,
                Window = Window,
                Growth = text.Predicted,
                DType = DType.Float32,
                Threads = 1,
            }
        );
        return new PerplexityMeasurement(model, text, segmentLength, every, chunk).Run(cancellation: TestContext.Current.CancellationToken);
    }

    /// <summary>Nats of each token except the first, by the definitions of the four policies.</summary>
    private static double[] OracleOf(CachePolicy policy, int? bos)
    {
        int[] stream = bos is int first ? [first, .. Text] : Text;
        double[][] logits = policy switch
        {
            CachePolicy.Dense => Oracle(0, int.MaxValue).FeedAll(stream[..^1]),
            CachePolicy.Window => Oracle(0, Places).FeedAll(stream[..^1]),
            CachePolicy.Streaming => Oracle(Sinks, Window).FeedAll(stream[..^1]),
            _ =>
            [
                .. Enumerable
                    .Range(1, stream.Length - 1)
                    .Select(target => Oracle(0, int.MaxValue).FeedAll(SeenAfresh(stream[..target], bos))[^1]),
            ],
        };
        return [.. logits.Select((row, at) => Nats(row, stream[at + 1]))];
    }

    /// <summary>The start token and the last S + W - 1 others; the last S + W if there is none.</summary>
    private static IEnumerable<int> SeenAfresh(int[] before, int? bos) =>
        bos is int first ? [first, .. before[1..].TakeLast(Places - 1)] : before.TakeLast(Places);

    private static PaperOracle Oracle(int sinks, int window) => new(TestShapes.Small, Weights, sinks, window);

    private static double Nats(double[] logits, int id)
    {
        double max = logits.Max();
        return max + Math.Log(logits.Sum(logit => Math.Exp(logit - max))) - logits[id];
    }
}
