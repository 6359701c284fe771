using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Runners;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>Time of steps while a build runs beside them. Users notice the longest step, not the median.</summary>
internal sealed class BusyMeasurement(Plan plan, string shape, ModelFiles files, SampleFile record)
{
    public async Task RunAsync(CancellationToken cancellation)
    {
        string quant = plan.Quants[0];
        BackendSetting[] settings =
        [
            .. Backends.OursOf(plan, shape, plan.Types[0], plan.Busy.Max()),
            .. Backends.LlamaCppOf(plan, await files.OfAsync(shape, quant, cancellation), quant, passive: true),
        ];
        await using var runners = new RunnerProcesses();
        foreach (BackendSetting setting in settings) // warms up before the build begins
        {
            foreach (int conversations in plan.Busy)
                await AskAsync(setting, conversations, TimeSpan.Zero);
        }
        await using BuildLoad build = await BuildLoad.StartAsync(cancellation);
        foreach (int conversations in plan.Busy)
        {
            foreach (BackendSetting setting in settings)
            {
                double[] ms = [];
                // llama.cpp's caches have room for some hundred steps only, so it is asked again until the time is over.
                while (ms.Sum() < plan.BusyTurn.TotalMilliseconds)
                    ms = [.. ms, .. await AskAsync(setting, conversations, plan.BusyTurn - TimeSpan.FromMilliseconds(ms.Sum()))];
                record.Add(
                    new Sample
                    {
                        Kind = Kinds.Busy,
                        Shape = shape,
                        Backend = setting.Backend.Name,
                        Setting = setting.Name,
                        Threads = setting.Threads,
                        Conversations = conversations,
                        Ms = ms,
                    }
                );
                await Console.Error.WriteLineAsync(
                    $"{shape}: {setting.Backend.Name}, {setting.Name}, beside a build: {ms.Length} steps; {build.Ended} builds so far"
                );
            }
        }

        async Task<double[]> AskAsync(BackendSetting setting, int conversations, TimeSpan time)
        {
            RunnerProcess runner = await runners.OfAsync(setting, cancellation);
            var request = new RunnerRequest(Measures.Decode)
            {
                Conversations = conversations,
                Threads = setting.Threads,
                Milliseconds = time.TotalMilliseconds,
                Least = plan.LeastSteps,
            };
            return (await runner.AskAsync(request, cancellation)).Ms!;
        }
    }
}
