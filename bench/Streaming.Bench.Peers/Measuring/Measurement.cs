using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Sides;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>The whole measurement, part after part.</summary>
internal static class Measurement
{
    /// <param name="plan">What is measured.</param>
    /// <param name="output">Folder of the record.</param>
    /// <param name="models">Folder of llama.cpp's models.</param>
    /// <param name="arguments">The command line, for the record.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task RunAsync(Plan plan, string output, string models, string arguments, CancellationToken cancellation)
    {
        if (plan.Parts.Contains("shapes") || plan.Parts.Contains("busy"))
            LlamaSide.RequireOpenMP();
        using SampleFile record = SampleFile.Create(output);
        record.Add(
            new Sample
            {
                Kind = Kinds.Run,
                Run = new RunFacts(
                    Machine.Description,
                    TimeProvider.System.GetUtcNow(),
                    Repository.Commit(),
                    $"dotnet run -c Release --project bench/Streaming.Bench.Peers -- {arguments}".TrimEnd(' ', '-'),
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
