using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Runners;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Tooling;
using Streaming.Tooling.Processes;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>
/// Measures what serving costs: a host whose conversations are all watched, in turns with the engine alone with the same settings.
/// </summary>
internal sealed class ServedMeasurement(Plan plan, SampleFile record)
{
    private const int TokensToWarmUp = 20;

    public async Task RunAsync(CancellationToken cancellation)
    {
        int threads = Math.Max(1, Environment.ProcessorCount - 1); // a host's default
        DType type = plan.Types[0];
        CacheLayout layout = plan.ServedLayout;
        await using RunnerProcess engine = await RunnerProcess.StartAsync(
            ["engine", plan.ServedModel, type.ToString(), $"{layout.Fixed}", $"{layout.Window}", $"{plan.Served}", $"{threads}"],
            RunnerEnvironment.Plain,
            cancellation
        );
        using var data = new TemporaryFolder();
        await using var host = HostProcess.Silo(
            data.Path,
            ClusterPorts.Free(),
            [
                $"Model={plan.ServedModel}",
                $"DType={type.ToString().ToLowerInvariant()}",
                $"Sinks={layout.Fixed}",
                $"Window={layout.Window}",
                $"Slots={plan.Served}",
                $"Threads={threads}",
            ]
        );
        host.EnvironmentVariables = RunnerProcess.NotInherited;
        await host.StartAsync(cancellation);
        await using ServedConversations conversations = await ServedConversations.CreateAsync(host.Url, plan.Served, cancellation);

        // A word has at least one token, so the first message fills every window.
        string message = string.Join(' ', Enumerable.Repeat("story", 2 * layout.Places));
        double warm = await AloneAsync(TokensToWarmUp);
        await conversations.MeasureAsync(message, plan.ServedTurn / 4, cancellation);
        int tokens = Math.Max(TokensToWarmUp, (int)(warm * plan.ServedTurn.TotalSeconds / plan.Served));
        for (int round = 0; round < plan.Rounds; round++)
        {
            Record(Kinds.Alone, round, await AloneAsync(tokens));
            Record(Kinds.Served, round, await conversations.MeasureAsync("Go on.", plan.ServedTurn, cancellation));
        }

        async Task<double> AloneAsync(int each) => (
                await engine.AskAsync(
                    new RunnerRequest(Measures.Rate)
                    {
                        Conversations = plan.Served,
                        Threads = threads,
                        Tokens = each,
                    },
                    cancellation
                )
            ).Rate!.Value;

        void Record(string kind, int round, double rate)
        {
            record.Add(
                new Sample
                {
                    Kind = kind,
                    Shape = Path.GetFileName(Path.TrimEndingDirectorySeparator(plan.ServedModel)),
                    Backend = Backends.Ours(type).Name,
                    Threads = threads,
                    Setting = $"{layout.Fixed}+{layout.Window}",
                    Conversations = plan.Served,
                    Round = round,
                    Rate = rate,
                }
            );
            Console.Error.WriteLine($"{kind}: {rate:0} tokens/s");
        }
    }
}
