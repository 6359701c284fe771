using System.Diagnostics;
using System.Globalization;
using Streaming.Inference.Sampling;

namespace Streaming.Bench;

/// <summary>What choosing a token by a row of logits costs; beside a step's time it says whether the sampler matters.</summary>
internal static class SamplerBenchmark
{
    // Rows enough for some variety, and few enough to lie in the cache, as a row does that the head has just written.
    private const int Rows = 4,
        Tokens = 200,
        Rounds = 8;

    /// <summary>Prints a line for each way of sampling: the best round's microseconds a token.</summary>
    public static void Run(TextWriter output, int vocabulary)
    {
        (string Name, SamplingParameters Parameters)[] ways =
        [
            ("greedy", new() { Temperature = 0 }),
            (
                "temperature 0.7, top-p 0.9",
                new()
                {
                    Temperature = 0.7,
                    TopP = 0.9,
                    Seed = 1,
                }
            ),
            (
                "temperature 1, top-p 1",
                new()
                {
                    Temperature = 1,
                    TopP = 1,
                    Seed = 1,
                }
            ),
            (
                "temperature 0.7, top-k 40",
                new()
                {
                    Temperature = 0.7,
                    TopP = 1,
                    TopK = 40,
                    Seed = 1,
                }
            ),
        ];
        float[][] logits = [.. Enumerable.Range(0, Rows).Select(seed => Logits(vocabulary, seed))];
        output.WriteLine("| vocabulary | sampling | microseconds a token |");
        output.WriteLine("|---:|---|---:|");
        foreach ((string name, SamplingParameters parameters) in ways)
        {
            double best = Enumerable.Range(0, Rounds).Min(_ => Round(logits, parameters));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {vocabulary} | {name} | {best:0} |"));
        }
    }

    private static double Round(float[][] logits, SamplingParameters parameters)
    {
        var sampler = new Sampler([]);
        long started = Stopwatch.GetTimestamp();
        for (int token = 0; token < Tokens; token++)
            sampler.Sample(logits[token % Rows], parameters, branch: 0, position: token, cached: []);
        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / Tokens;
    }

    /// <summary>As peaked as a language model's: a few tokens stand out.</summary>
    private static float[] Logits(int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)(-2.5 * Math.Log(1 - random.NextDouble())))];
    }
}
