using System.CommandLine;
using Streaming.Bench;
using Streaming.Bench.Crowd;
using static Streaming.Bench.Benchmark;

// Many watchers of one conversation; the result is written to bench/results/crowd.md. The defaults take seconds; the scale of the
// documents is:
//   dotnet run -c Release --project bench/Streaming.Bench.Crowd -- --watchers 1000 --numbers 56000 --live 2000
Option<int> watchers = Option("--watchers", 128, "Streams that watch one conversation, at most 64 a connection.");
Option<int> numbers = Option("--numbers", 1_000, "Tokens of the stored reply that watchers catch up with.");
Option<int> live = Option("--live", 200, "Tokens of the reply that watchers follow while it is sampled.");
Option<string> output = Output("bench", "results");
var root = new RootCommand("Many watchers of one conversation: catching up from the first event, and following a reply.")
{
    watchers,
    numbers,
    live,
    output,
};
root.SetAction(
    (parsed, cancellation) =>
        new CrowdBenchmark(parsed.GetValue(watchers), parsed.GetValue(numbers), parsed.GetValue(live)).RunAsync(
            parsed.GetRequiredValue(output),
            Provenance.Now("bench/Streaming.Bench.Crowd", args),
            cancellation
        )
);
return await RunAsync(root, args);
