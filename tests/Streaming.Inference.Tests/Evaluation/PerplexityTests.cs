using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Decoding;

namespace Streaming.Inference.Tests.Evaluation;

/// <summary>Texts, cancellation, progress and refusals of a measurement.</summary>
public class PerplexityTests
{
    private const int Start = 1;
    private static readonly int[] Text = Logits.RandomIds(200, TestShapes.Small.VocabularySize, seed: 5);

    [Theory]
    [InlineData(CachePolicy.Streaming), InlineData(CachePolicy.Recompute)]
    public void A_cancelled_measurement_covers_the_tokens_scored_so_far(CachePolicy policy)
    {
        using EvaluationModel model = Load(policy);
        using var cancellation = new CancellationTokenSource();
        PerplexityResult whole = new PerplexityMeasurement(model, EvaluationText.Of(Start, Text), 10, chunk: 10).Run(
            cancellation: TestContext.Current.CancellationToken
        );

        PerplexityResult part = new PerplexityMeasurement(model, EvaluationText.Of(Start, Text), 10, chunk: 10).Run(
            progress =>
            {
                if (progress.Position >= 50)
                    cancellation.Cancel();
            },
            cancellation.Token
        );

        Assert.Equal(50, part.Tokens);
        Assert.Equal(whole.Segments.Take(5).Select(segment => segment.Perplexity), part.Segments.Select(segment => segment.Perplexity));
    }

    [Fact]
    public void The_last_progress_covers_the_whole_text_and_its_perplexity()
    {
        using EvaluationModel model = Load(CachePolicy.Streaming);
        var seen = new List<PerplexityProgress>();
        PerplexityResult result = new PerplexityMeasurement(model, EvaluationText.Of(Start, Text), chunk: 64).Run(
            seen.Add,
            TestContext.Current.CancellationToken
        );
        Assert.Equal([64, 128, 192, 200], seen.Select(progress => progress.Position));
        Assert.Equal(new PerplexityProgress(200, 200, 200, seen[^1].Nats), seen[^1]);
        Assert.Equal(result.Nll, seen[^1].Nats / 200);
        Assert.Equal(result.Perplexity, seen[^1].Perplexity);
    }

    [Theory]
    [InlineData(true, null, false, 5), InlineData(true, 3, false, 3), InlineData(true, 9, false, 5), InlineData(true, 12, true, 12)]
    [InlineData(false, null, false, 4), InlineData(false, 3, false, 3), InlineData(false, 12, true, 12)]
    public void Predicts_the_requested_number_of_tokens_or_those_of_the_text(bool bos, int? tokens, bool repeat, int predicted)
    {
        var text = EvaluationText.Of(bos ? 9 : null, [10, 11, 12, 13, 14], tokens, repeat);
        Assert.Equal(predicted, text.Predicted);
        Assert.Equal(Enumerable.Range(0, predicted + (bos ? 0 : 1)).Select(at => 10 + at % 5), bos ? text.Stream[1..] : text.Stream);
    }

    [Fact]
    public void A_segment_has_the_length_of_the_cache_by_default()
    {
        using EvaluationModel model = Load(CachePolicy.Streaming);
        PerplexityResult result = new PerplexityMeasurement(model, EvaluationText.Of(Start, Text)).Run(
            cancellation: TestContext.Current.CancellationToken
        );
        Assert.Equal([.. Enumerable.Repeat(16L, 12), 8], result.Segments.Select(segment => segment.Tokens));
    }

    [Fact]
    public void Refuses_a_text_without_a_token_to_predict()
    {
        Assert.Contains(
            "no token to predict",
            Assert.Throws<InputException>(() => EvaluationText.Of(null, [3])).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no token to predict",
            Assert.Throws<InputException>(() => EvaluationText.Of(1, [])).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Refuses_sinks_and_window_beyond_the_context_except_for_dense_attention()
    {
        var options = new EvaluationOptions
        {
            Policy = CachePolicy.Streaming,
            Sinks = 4,
            Window = 61,
            DType = DType.Float32,
            Threads = 1,
        };
        InputException refusal = Assert.Throws<InputException>(() =>
            EvaluationModel.Load(TestShapes.Small with { ContextLength = 64 }, new RandomWeights(1), options)
        );
        Assert.Contains("a window of at most 60", refusal.Message, StringComparison.Ordinal);
        using EvaluationModel dense = Load(CachePolicy.Dense);
        Assert.Equal(
            200,
            new PerplexityMeasurement(dense, EvaluationText.Of(Start, Text)).Run(cancellation: TestContext.Current.CancellationToken).Tokens
        );
    }

    [Fact]
    public void Refuses_logits_that_are_not_finite_and_names_the_token()
    {
        using var model = EvaluationModel.Load(
            TestShapes.Small,
            new RandomWeights(1, gain: 1e30),
            new EvaluationOptions
            {
                Policy = CachePolicy.Streaming,
                Sinks = 4,
                Window = 12,
                DType = DType.Float32,
                Threads = 1,
            }
        );
        InputException refusal = Assert.Throws<InputException>(() =>
            new PerplexityMeasurement(model, EvaluationText.Of(Start, Text)).Run(cancellation: TestContext.Current.CancellationToken)
        );
        Assert.Contains("token 0", refusal.Message, StringComparison.Ordinal);
    }

    private static EvaluationModel Load(CachePolicy policy) =>
        EvaluationModel.Load(
            TestShapes.Small,
            new RandomWeights(seed: 7),
            new EvaluationOptions
            {
                Policy = policy,
                Sinks = 4,
                Window = 12,
                Growth = Text.Length,
                DType = DType.Float32,
                Threads = 1,
            }
        );
}
