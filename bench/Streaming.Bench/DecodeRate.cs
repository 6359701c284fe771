using System.Diagnostics;
using Streaming.Inference.Batching;

namespace Streaming.Bench;

/// <summary>Measures how fast a device decodes endless replies, with sampling and conversion to text.</summary>
public static class DecodeRate
{
    /// <summary>Tokens per second of all conversations together, counted once every one of them decodes.</summary>
    public static async Task<double> MeasureAsync(
        IDecodeDevice device,
        DecodeSetup setup,
        int[] ids,
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
            await foreach (DecodeOutput output in device.DecodeAsync(setup.EndlessReply(slot, ids), cancellation))
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
