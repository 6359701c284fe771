using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;

namespace Streaming.Inference.Evaluation;

/// <summary>
/// What a token costs under a policy once the cache is full. A step gives each of the batch's streams one token: one token is
/// fed to each and its logits come back; under <see cref="CachePolicy.Recompute"/> S + W tokens are, from an empty cache. Dense
/// attention begins with S + W tokens and grows from there. Ids are at random, and nothing is sampled.
/// </summary>
public static class DecodeBenchmark
{
    private const int WarmUpSteps = 10;

    /// <summary>Steps before the measured ones; a recomputation is many operations already, and long.</summary>
    private static int WarmUp(CachePolicy policy) => policy == CachePolicy.Recompute ? 1 : WarmUpSteps;

    /// <summary>Tokens that dense attention comes to beyond S + W.</summary>
    public static int Growth(CachePolicy policy, int tokens) => checked(WarmUp(policy) + tokens);

    /// <summary>Measures steps.</summary>
    /// <param name="model">The model with its policy; dense attention must have room for <see cref="Growth"/> beyond S + W.</param>
    /// <param name="tokens">Steps to measure: tokens of each stream.</param>
    /// <param name="progress">Called after every measured step with their number; null for nobody.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="cancellation">Ends the benchmark after the step under way; the result is of what was measured.</param>
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

/// <summary>What steps took.</summary>
/// <param name="Batch">Tokens of a step, one for each stream.</param>
/// <param name="StepMs">Each measured step's time.</param>
/// <param name="CacheBytes">Keys and values of all streams, as allocated.</param>
/// <param name="PeakBytes">The process's resident memory at its highest during the measured steps.</param>
public sealed record DecodeBenchmarkResult(int Batch, IReadOnlyList<double> StepMs, long CacheBytes, long PeakBytes)
{
    /// <summary>The median step: how long each stream waits for a token. 0 without steps.</summary>
    public double MsPerToken => Percentile(0.5);

    /// <summary>The 99th percentile of the steps.</summary>
    public double P99Ms => Percentile(0.99);

    /// <summary>Tokens of all streams by the time of all steps.</summary>
    public double TokensPerSecond => StepMs.Count == 0 ? 0 : 1000.0 * Batch * StepMs.Count / StepMs.Sum();

    /// <summary>The least time that a share of the steps does not exceed.</summary>
    private double Percentile(double share) =>
        StepMs.Count == 0 ? 0 : StepMs.Order().ElementAt((int)Math.Ceiling(share * StepMs.Count) - 1);
}
