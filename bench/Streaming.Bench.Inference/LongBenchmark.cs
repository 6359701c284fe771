using System.Diagnostics;
using Streaming.Inference.Batching;
using Streaming.Inference.Kernels;
using Streaming.Tooling;
using TorchSharp;

namespace Streaming.Bench.Inference;

/// <summary>Cost of one long reply, window by window: time per token, resident memory, managed memory, number of tensors.</summary>
internal sealed class LongBenchmark(DecodeSetup setup, EnginePage page)
{
    private const int MostRows = 20;
    private const double MiB = 1 << 20;

    private sealed record Sample(int Window, double MsPerToken, double ResidentMiB, double ManagedMiB, long Tensors);

    public async Task RunAsync(int windows, CancellationToken cancellation)
    {
        (IDecodeDevice device, DType type) = setup.Load(slots: 1);
        await using IDecodeDevice owned = device;
        var samples = new List<Sample>();
        long tokens = 0,
            clock = 0;
        await foreach (DecodeOutput output in device.DecodeAsync(setup.EndlessReply(0, setup.RandomTokens()), cancellation))
        {
            if (output is not TokenSampled)
                continue;
            if (clock == 0)
                clock = Stopwatch.GetTimestamp();
            if (++tokens % setup.Layout.Window != 0)
                continue;
            samples.Add(
                new Sample(
                    samples.Count + 1,
                    Stopwatch.GetElapsedTime(clock).TotalMilliseconds / setup.Layout.Window,
                    Environment.WorkingSet / MiB,
                    GC.GetTotalMemory(forceFullCollection: true) / MiB,
                    torch.Tensor.TotalCount
                )
            );
            clock = Stopwatch.GetTimestamp();
            if (samples.Count < windows)
                continue;
            device.Stop(0, EndReason.Stopped);
            break;
        }

        double[] along = [.. samples.Select(sample => (double)sample.Window)];
        using var time = new Chart("windows", "ms per token");
        time.AddLine(LineLook.Blue, "mean of a window", along, samples.Select(sample => sample.MsPerToken));
        time.BeginAtZero(samples.Max(sample => sample.MsPerToken));
        using var memory = new Chart("windows", "MiB");
        memory.AddLine(LineLook.Green, "resident", along, samples.Select(sample => sample.ResidentMiB));
        memory.BeginAtZero(samples.Max(sample => sample.ResidentMiB));
        Directory.CreateDirectory(page.Folder);
        int step = Math.Max(1, windows / MostRows);
        string table = Markdown.Table(
            ["window", "ms per token", "resident MiB", "managed MiB", "tensors"],
            samples
                .Where(sample => sample.Window <= 2 || sample.Window % step == 0)
                .Select(sample => (object[])[sample.Window, sample.MsPerToken, sample.ResidentMiB, sample.ManagedMiB, sample.Tensors])
        );
        page.Write(
            "long",
            $"A reply of {windows} windows",
            $"""
            One reply of {Markdown.Count(
                tokens
            )} tokens from a full cache. Times are means over one window; the rest is read at the window's end.
            Tensors are counted while a step may be running.

            {table}
            {time.Save(page.Folder, "long-time", "Time per token along the reply")}

            {memory.Save(page.Folder, "long-memory", "Resident memory along the reply")}
            """,
            setup,
            type
        );
    }
}
