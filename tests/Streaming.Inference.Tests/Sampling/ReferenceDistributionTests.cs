using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Inference.Caching;
using Streaming.Inference.Sampling;
using Streaming.Inference.Tests.Checkpoints;

namespace Streaming.Inference.Tests.Sampling;

/// <summary>Forbidden tokens and probabilities that <c>Oracle/sample_distributions.py</c> computed in Python.</summary>
public class ReferenceDistributionTests
{
    private const int Draws = 2_000;

    private static readonly Case[] Cases = JsonSerializer.Deserialize<Case[]>(
        File.ReadAllText(Path.Combine(ModelFolders.Root, "tests", "Streaming.Inference.Tests", "Sampling", "Oracle", "distributions.json")),
        new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        }
    )!;

    [Fact]
    public void Forbids_exactly_the_tokens_that_the_reference_forbids()
    {
        Assert.Equal(240, Cases.Length);
        foreach ((int index, Case given) in Cases.Index())
        {
            float[] logits = [.. given.Logits];
            Sample(new Sampler(given.End), logits, given, position: 0);
            int[] forbidden = [.. Enumerable.Range(0, logits.Length).Where(id => float.IsNegativeInfinity(logits[id]))];
            Assert.True(given.Forbidden.SequenceEqual(forbidden), $"Case {index}: {string.Join(' ', forbidden)}");
        }
    }

    [Fact]
    public void Samples_with_the_probabilities_of_the_reference()
    {
        foreach ((int index, Case given) in Cases.Index())
        {
            var sampler = new Sampler(given.End);
            int[] counts = new int[given.Logits.Length];
            for (int draw = 0; draw < Draws; draw++)
                counts[Sample(sampler, [.. given.Logits], given, draw)]++;
            foreach ((int id, double p) in given.Probabilities.Index())
            {
                double deviation = Math.Sqrt(Draws * p * (1 - p)); // 0 where the reference keeps one token or drops this one
                Assert.True(
                    Math.Abs(counts[id] - Draws * p) <= 5 * deviation + (p > 0 && p < 1 ? 2 : 0),
                    $"Case {index}, token {id}: {counts[id]} of {Draws}, expected a share of {p}"
                );
            }
        }
    }

    /// <summary>Samples with another random number for each draw, at the same place of the stream.</summary>
    private static int Sample(Sampler sampler, float[] logits, Case given, int position)
    {
        var layout = new CacheLayout(given.Fixed, given.Window);
        int[] places = [.. Enumerable.Repeat(-1, layout.Places)];
        foreach ((int at, int id) in given.Stream.Index())
            places[layout.PlaceOf(at)] = id;
        return sampler.Sample(
            logits,
            given.Parameters.Sampling with
            {
                Seed = (ulong)position,
            },
            new SampledStream
            {
                Position = given.Stream.Length,
                Generated = given.Generated,
                CachedIds = places,
                Layout = layout,
            }
        );
    }

    private sealed record Case(
        int Fixed,
        int Window,
        int[] Stream,
        int[] End,
        long Generated,
        float[] Logits,
        Values Parameters,
        int[] Forbidden,
        double[] Probabilities
    );

    private sealed record Values(
        double RepetitionPenalty = 1,
        int NoRepeatNgramSize = 0,
        int[][]? BadWordsIds = null,
        long MinNewTokens = 0,
        int[]? SuppressTokens = null,
        int[]? BeginSuppressTokens = null,
        double Temperature = 1,
        int TopK = 0,
        double TopP = 1,
        double MinP = 0,
        double TypicalP = 1
    )
    {
        public SamplingParameters Sampling { get; } =
            new()
            {
                RepeatPenalty = RepetitionPenalty,
                NoRepeatNgramSize = NoRepeatNgramSize,
                BadWordsIds = BadWordsIds ?? [],
                MinNewTokens = MinNewTokens,
                SuppressTokens = SuppressTokens ?? [],
                BeginSuppressTokens = BeginSuppressTokens ?? [],
                Temperature = Temperature,
                TopK = TopK,
                TopP = TopP,
                MinP = MinP,
                TypicalP = TypicalP,
            };
    }
}
