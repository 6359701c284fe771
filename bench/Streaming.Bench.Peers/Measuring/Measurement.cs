using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Runners;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>Runs all parts of a measurement.</summary>
internal static class Measurement
{
    /// <param name="plan">What to measure.</param>
    /// <param name="output">Folder of the samples.</param>
    /// <param name="models">Folder of llama.cpp's models.</param>
    /// <param name="provenance">Where the measurement comes from.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task RunAsync(Plan plan, string output, string models, Provenance provenance, CancellationToken cancellation)
    {
        if (plan.Parts.Contains("shapes") || plan.Parts.Contains("busy"))
            LlamaCppRunner.RequireOpenMP();
        using var record = SampleFile.Create(output);
        record.Add(
            new Sample
            {
                Kind = Kinds.Run,
                Run = new RunFacts(
                    provenance.Machine,
                    provenance.Date,
                    provenance.Commit,
                    provenance.Command,
                    $"{plan.Layout.Fixed}+{plan.Layout.Window}",
                    plan.Small
                ),
            }
        );
        var files = new ModelFiles(models);
        if (plan.Parts.Contains("shapes"))
        {
            foreach (string shape in plan.Shapes)
                await new ShapeMeasurement(plan, shape, files, record).RunAsync(cancellation);
        }
        if (plan.Parts.Contains("busy"))
            await new BusyMeasurement(plan, plan.Shapes[0], files, record).RunAsync(cancellation);
        if (plan.Parts.Contains("served"))
            await new ServedMeasurement(plan, record).RunAsync(cancellation);
    }
}
