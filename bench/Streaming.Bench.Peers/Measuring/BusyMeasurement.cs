using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Sides;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>How long steps take while a build runs beside them: what people wait for is the longest, not the median.</summary>
internal sealed class BusyMeasurement(Plan plan, string shape, ModelFiles files, SampleFile record)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        string quant = plan.Quants[0];
        Candidate[] candidates =
        [
            .. Contestants.OursOf(plan, shape, plan.Types[0], plan.Busy.Max()),
            .. Contestants.LlamaCppOf(plan, await files.OfAsync(shape, quant, cancellation), quant, passive: true),
        ];
        await using var sides = new SideProcesses();
        foreach (Candidate candidate in candidates) // warms up before the build begins
        {
            foreach (int conversations in plan.Busy)
                await AskAsync(candidate, conversations, TimeSpan.Zero);
        }
        await using BuildLoad build = await BuildLoad.StartAsync(cancellation);
        foreach (int conversations in plan.Busy)
        {
            foreach (Candidate candidate in candidates)
            {
                double[] ms = [];
                // llama.cpp's full caches leave room for some hundred steps only: it is asked again until the time is over.
                while (ms.Sum() < plan.BusyTurn.TotalMilliseconds)
                    ms = [.. ms, .. await AskAsync(candidate, conversations, plan.BusyTurn - TimeSpan.FromMilliseconds(ms.Sum()))];
                record.Add(
                    new Sample
                    {
                        Kind = Kinds.Busy,
                        Shape = shape,
                        Contestant = candidate.Of.Name,
                        Setting = candidate.Setting,
                        Threads = candidate.Threads,
                        Conversations = conversations,
                        Ms = ms,
                    }
                );
                await Console.Error.WriteLineAsync(
                    $"{shape}: {candidate.Of.Name}, {candidate.Setting}, beside a build: {ms.Length} steps; {build.Ended} builds so far"
                );
            }
        }

        async Task<double[]> AskAsync(Candidate candidate, int conversations, TimeSpan time)
        {
            SideProcess side = await sides.OfAsync(candidate, cancellation);
            var request = new SideRequest(Measures.Decode)
            {
                Conversations = conversations,
                Threads = candidate.Threads,
                Milliseconds = time.TotalMilliseconds,
                Least = plan.LeastSteps,
            };
            return (await side.AskAsync(request, cancellation)).Ms!;
        }
    }
}
