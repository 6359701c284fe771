using System.Diagnostics;
using Streaming.Inference.Batching;

namespace Streaming.Bench;

/// <summary>How fast a device decodes endless replies, sampling and text included.</summary>
internal static class DecodeRate
{
    /// <summary>Tokens per second in all, from the moment when every conversation is decoding.</summary>
    public static async Task<double> MeasureAsync(
        IDecodeDevice device,
        Setup setup,
        int[] text,
        int conversations,
        int tokens,
        CancellationToken cancellation
    )
    {
        using var started = new CountdownEvent(conversations);
        var allStarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        long sampled = 0,
            target = long.MaxValue;
        Task[] readers = [.. Enumerable.Range(0, conversations).Select(slot => Task.Run(() => ReadAsync(slot), cancellation))];

        await allStarted.Task.WaitAsync(cancellation);
        long from = Interlocked.Read(ref sampled),
            clock = Stopwatch.GetTimestamp();
        Interlocked.Exchange(ref target, from + (long)conversations * tokens);
        await enough.Task.WaitAsync(cancellation);
        double rate = (Interlocked.Read(ref sampled) - from) / Stopwatch.GetElapsedTime(clock).TotalSeconds;
        for (int slot = 0; slot < conversations; slot++)
            device.Stop(slot, EndReason.Stopped);
        await Task.WhenAll(readers);
        return rate;

        async Task ReadAsync(int slot)
        {
            bool first = true;
            await foreach (DecodeOutput output in device.DecodeAsync(setup.EndlessReply(slot, text), cancellation))
            {
                if (output is not TokenSampled)
                    continue;
                if (first && started.Signal())
                    allStarted.SetResult();
                first = false;
                if (Interlocked.Increment(ref sampled) >= Interlocked.Read(ref target))
                    enough.TrySetResult();
            }
        }
    }
}
