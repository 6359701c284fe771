using System.Diagnostics;
using ScottPlot;
using Streaming.Inference.Batching;
using Streaming.Inference.Kernels;
using TorchSharp;

namespace Streaming.Bench;

/// <summary>What one reply costs along its way: time per token, resident memory, managed memory, tensors, window by window.</summary>
internal static class LongBenchmark
{
    private const int MostRows = 20;
    private const double MiB = 1 << 20;

    private sealed record Sample(int Window, double MsPerToken, double ResidentMiB, double ManagedMiB, long Tensors);

    public static async Task RunAsync(Setup setup, int windows, CancellationToken cancellation)
    {
        (IDecodeDevice device, DType type) = setup.Load(slots: 1);
        await using IDecodeDevice owned = device;
        var samples = new List<Sample>();
        long tokens = 0,
            clock = 0;
        await foreach (DecodeOutput output in device.DecodeAsync(setup.EndlessReply(0, setup.SomeText()), cancellation))
        {
            if (output is not TokenSampled)
                continue;
            if (clock == 0)
                clock = Stopwatch.GetTimestamp();
            if (++tokens % setup.Layout.Window != 0)
                continue;
            double ms = Stopwatch.GetElapsedTime(clock).TotalMilliseconds / setup.Layout.Window;
            samples.Add(
                new Sample(
                    samples.Count + 1,
                    ms,
                    Environment.WorkingSet / MiB,
                    GC.GetTotalMemory(forceFullCollection: true) / MiB,
                    torch.Tensor.TotalCount
                )
            );
            clock = Stopwatch.GetTimestamp();
            if (samples.Count == windows)
                device.Stop(0, EndReason.Stopped);
            if (samples.Count >= windows)
                break;
        }

        double[] along = [.. samples.Select(sample => (double)sample.Window)];
        var plot = new Plot();
        var time = plot.Add.Scatter(along, samples.Select(sample => sample.MsPerToken).ToArray());
        time.LegendText = "ms per token";
        var memory = plot.Add.Scatter(along, samples.Select(sample => sample.ResidentMiB).ToArray());
        memory.LegendText = "resident MiB";
        memory.Axes.YAxis = plot.Axes.Right;
        plot.XLabel("windows");
        plot.YLabel("ms per token");
        plot.Axes.Right.Label.Text = "resident MiB";
        plot.Axes.SetLimitsY(0, 2 * samples.Max(sample => sample.MsPerToken), plot.Axes.Left);
        plot.Axes.SetLimitsY(0, 1.3 * samples.Max(sample => sample.ResidentMiB), plot.Axes.Right);
        plot.ShowLegend(Alignment.LowerRight);
        int step = Math.Max(1, windows / MostRows);
        new Report(setup, "long", $"A reply of {windows} windows", type).Write(
            $"One reply of {tokens:#,0} tokens from a full cache; each row is a mean over one window, measured at its end. Tensors are read while a step may be under way.",
            ["window", "ms per token", "resident MiB", "managed MiB", "tensors"],
            samples
                .Where(sample => sample.Window <= 2 || sample.Window % step == 0)
                .Select(sample => (object[])[sample.Window, sample.MsPerToken, sample.ResidentMiB, sample.ManagedMiB, sample.Tensors]),
            plot
        );
    }
}
