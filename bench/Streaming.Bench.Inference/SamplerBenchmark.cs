using System.Diagnostics;
using Streaming.Inference.Sampling;
using Streaming.Tooling;

namespace Streaming.Bench.Inference;

/// <summary>Time of sampling a token from a row of logits; compared with a step's time it shows whether the sampler matters.</summary>
internal static class SamplerBenchmark
{
    // Few enough rows that they stay in the processor's cache, as a row does that the head has just written.
    private const int Rows = 4,
        Tokens = 200,
        Rounds = 8;

    /// <summary>A table with a row for each way of sampling: microseconds per token in the best round.</summary>
    public static string Run(int vocabulary)
    {
        (string Name, SamplingParameters Parameters)[] ways =
        [
            ("greedy", Parameters(temperature: 0)),
            ("temperature 0.7, top-p 0.9", Parameters(temperature: 0.7, topP: 0.9)),
            ("temperature 1, top-p 1", Parameters(temperature: 1)),
            ("temperature 0.7, top-k 40", Parameters(temperature: 0.7, topK: 40)),
        ];
        float[][] logits = [.. Enumerable.Range(0, Rows).Select(seed => Logits(vocabulary, seed))];
        return Markdown.Table(
            ["vocabulary", "<sampling", "microseconds per token"],
            ways.Select(way => (object[])[vocabulary, way.Name, Enumerable.Range(0, Rounds).Min(_ => Round(logits, way.Parameters))])
        );
    }

    private static SamplingParameters Parameters(double temperature, double topP = 1, int topK = 0) =>
        new()
        {
            Temperature = temperature,
            TopP = topP,
            TopK = topK,
            Seed = 1,
        };

    private static double Round(float[][] logits, SamplingParameters parameters)
    {
        var sampler = new Sampler([]);
        long started = Stopwatch.GetTimestamp();
        for (int token = 0; token < Tokens; token++)
            sampler.Sample(logits[token % Rows], parameters, branch: 0, position: token, cached: []);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / Tokens;
    }

    /// <summary>Logits, [vocabulary], as peaked as a language model's: a few tokens stand out.</summary>
    private static float[] Logits(int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)(-2.5 * Math.Log(1 - random.NextDouble())))];
    }
}
