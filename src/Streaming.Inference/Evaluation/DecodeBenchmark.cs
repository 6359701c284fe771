using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// The cost of a token under a policy when the cache is full. A step feeds one token to each stream of the batch and computes its logits;
/// under <see cref="CachePolicy.Recompute"/> it feeds S + W tokens to an empty cache. Dense attention begins with S + W tokens and grows.
/// Ids are random, and nothing is sampled.
/// </summary>
public static class DecodeBenchmark
{
    private const int WarmUpSteps = 10;

    /// <summary>Steps before the measured ones. Recomputation needs fewer, because its steps are long.</summary>
    private static int WarmUp(CachePolicy policy) => policy == CachePolicy.Recompute ? 1 : WarmUpSteps;

    /// <summary>Tokens beyond S + W that dense attention needs places for.</summary>
    public static int Growth(CachePolicy policy, int tokens) => checked(WarmUp(policy) + tokens);

    /// <summary>Measures steps.</summary>
    /// <param name="model">The model with its policy; dense attention must have room for <see cref="Growth"/> beyond S + W.</param>
    /// <param name="tokens">Steps to measure.</param>
    /// <param name="progress">Called after each measured step with the number of steps; null for no progress.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="cancellation">Ends the benchmark after the current step; the result covers the steps so far.</param>
    public static DecodeBenchmarkResult Run(
        EvaluationModel model,
        int tokens,
        Action<int>? progress = null,
        TimeProvider? time = null,
        CancellationToken cancellation = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        time ??= TimeProvider.System;
        model.UseThreads();
        Decoder decoder = model.Decoder;
        int places = model.Asked.Places,
            warmUp = WarmUp(model.Policy);
        var random = new Random(1);
        ReadOnlyMemory<int>[] full = [.. Enumerable.Range(0, decoder.Slots).Select(_ => (ReadOnlyMemory<int>)Ids(places))];
        if (model.Policy != CachePolicy.Recompute)
        {
            for (int slot = 0; slot < decoder.Slots; slot++)
                FillSlot(slot);
        }

        var milliseconds = new List<double>(tokens);
        for (int step = 0; step < warmUp + tokens && !cancellation.IsCancellationRequested; step++)
        {
            if (step == warmUp)
                ResidentMemory.BeginPeak();
            int[] next = Ids(decoder.Slots);
            long start = time.GetTimestamp();
            Step(step, next);
            if (step < warmUp)
                continue;
            milliseconds.Add(time.GetElapsedTime(start).TotalMilliseconds);
            progress?.Invoke(milliseconds.Count);
        }
        return new DecodeBenchmarkResult(decoder.Slots, [.. milliseconds], decoder.CacheBytes, ResidentMemory.Peak());

        int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(decoder.Config.VocabularySize))];

        void FillSlot(int slot)
        {
            const int chunk = 256;
            for (int at = 0; at < places; at += chunk)
            {
                decoder.Forward([
                    new Segment
                    {
                        Slot = slot,
                        Layout = model.Layout,
                        Position = at,
                        Fed = at,
                        Ids = full[slot].Slice(at, Math.Min(chunk, places - at)),
                    },
                ]);
            }
        }

        void Step(int step, int[] next)
        {
            if (model.Policy == CachePolicy.Recompute)
            {
                Recomputation.Feed(decoder, model.Layout, full, LogitRows.Last)!.Dispose();
                return;
            }
            long position = (long)places + step;
            Segment[] segments =
            [
                .. Enumerable
                    .Range(0, decoder.Slots)
                    .Select(slot => new Segment
                    {
                        Slot = slot,
                        Layout = model.Layout,
                        Position = position,
                        Fed = position,
                        Ids = next.AsMemory(slot, 1),
                        Logits = LogitRows.Last,
                    }),
            ];
            decoder.Forward(segments)!.Dispose();
        }
    }
}

/// <summary>Times and memory of steps.</summary>
/// <param name="Batch">Tokens of a step, one per stream.</param>
/// <param name="StepMs">Time of each measured step, milliseconds.</param>
/// <param name="CacheBytes">Bytes allocated for keys and values of all streams.</param>
/// <param name="PeakBytes">The process's peak resident memory during the measured steps, bytes.</param>
public sealed record DecodeBenchmarkResult(int Batch, IReadOnlyList<double> StepMs, long CacheBytes, long PeakBytes)
{
    /// <summary>The median time of a step, milliseconds; 0 without steps.</summary>
    public double MsPerToken => Percentile(0.5);

    /// <summary>The 99th percentile of the times, milliseconds.</summary>
    public double P99Ms => Percentile(0.99);

    /// <summary>Tokens per second, of all streams.</summary>
    public double TokensPerSecond => StepMs.Count == 0 ? 0 : 1000.0 * Batch * StepMs.Count / StepMs.Sum();

    /// <summary>The smallest time that a share of the steps does not exceed.</summary>
    private double Percentile(double share) =>
        StepMs.Count == 0 ? 0 : StepMs.Order().ElementAt((int)Math.Ceiling(share * StepMs.Count) - 1);
}
