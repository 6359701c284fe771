using System.CommandLine;
using Streaming.Bench;
using Streaming.Bench.Idle;
using static Streaming.Bench.Benchmark;

// What conversations cost while nobody uses them; the result is written to bench/results/idle.md:
//   dotnet run -c Release --project bench/Streaming.Bench.Idle
Option<int> conversations = Option("--conversations", 20_000, "Idle conversations on the host.");
Option<int> requests = Option("--requests", 10_000, "Requests of each measurement of the hub's answers.");
Option<string> output = Output("bench", "results");
var root = new RootCommand("Idle conversations on one host: memory of each, time to activate one, and the hub's answers meanwhile.")
{
    conversations,
    requests,
    output,
};
root.SetAction(
    (parsed, cancellation) =>
        new IdleBenchmark(parsed.GetValue(conversations), parsed.GetValue(requests)).RunAsync(
            parsed.GetRequiredValue(output),
            Provenance.Now("bench/Streaming.Bench.Idle", args),
            cancellation
        )
);
return await RunAsync(root, args);
