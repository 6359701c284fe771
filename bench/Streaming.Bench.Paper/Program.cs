using System.CommandLine;
using Streaming.Bench;
using Streaming.Bench.Paper;
using Streaming.Bench.Paper.Endurance;
using Streaming.Bench.Paper.Endurance.Served;
using Streaming.Bench.Paper.Results;
using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Benchmark;

// The results of the StreamingLLM paper (Xiao et al. 2023) on this project's engine. The numbers of tables and figures come from
// `streaming` commands, whose output is recorded in runs.jsonl: a run that is recorded is not measured again. The two long
// conversations, `engine` and `served`, are one run each, recorded in engine.jsonl and served.jsonl.
//   dotnet run -c Release --project bench/Streaming.Bench.Paper                      everything, then RESULTS.md
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- table1 figure10   these, then RESULTS.md with all that is recorded
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- --again           whatever is not recorded for this commit
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- --render          RESULTS.md alone
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- --small           a few hundred tokens of each, as a check
SetAllocator();

string[] names = [.. PaperResults.Names, "engine", "served"];
var parts = new Argument<string[]>("parts")
{
    Description = $"The results to measure: {string.Join(", ", names)}. Default: all.",
    Arity = ArgumentArity.ZeroOrMore,
};
parts.AcceptOnlyFromAmong(names);
Option<bool> small = Option("--small", false, "A few hundred tokens of each, with the embedded model alone.");
Option<bool> render = Option("--render", false, "Measures nothing: writes RESULTS.md from what is recorded.");
Option<bool> again = Option("--again", false, "Measures again what is recorded for another commit.");
Option<int?> tokens = Option<int?>("--tokens", null, "Tokens of the long conversations, a multiple of 4,000. Default: 4,000,000.");
tokens.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() is int most && (most < EnduranceScale.LeastTokens || most % EnduranceScale.LeastTokens != 0))
        result.AddError($"--tokens is {most} and must be a multiple of {EnduranceScale.LeastTokens}");
});
Option<int> threads = Option("--threads", 1, "Threads of an operation.");
Option<string> folder = Output("bench", "Streaming.Bench.Paper");

var root = new RootCommand("Measures the paper's tables and figures on this engine, and two conversations of four million tokens.")
{
    parts,
    small,
    render,
    again,
    tokens,
    threads,
    folder,
};
root.SetAction(
    async (parsed, cancellation) =>
    {
        Scale scale = parsed.GetValue(small) ? Scale.Small : Scale.Full;
        EnduranceScale length = parsed.GetValue(small)
            ? EnduranceScale.Small
            : EnduranceScale.Of(parsed.GetValue(tokens) ?? EnduranceScale.FullTokens);
        var provenance = Provenance.Now(ResultsDocument.Project, args);
        string? onlyCommit = parsed.GetValue(again) ? provenance.Commit : null;
        var store = RunStore.Open(parsed.GetRequiredValue(folder));
        IReadOnlyList<IPaperResult> results = PaperResults.All(scale, parsed.GetValue(threads));
        IReadOnlyList<IEnduranceRun> endurance =
        [
            new EngineRun(length, parsed.GetValue(threads), provenance),
            new ServedRun(length, parsed.GetValue(threads), provenance),
        ];
        string[] wanted = parsed.GetValue(parts) is { Length: > 0 } named ? named : names;
        try
        {
            if (parsed.GetValue(render))
                return;
            await new Runner(store, provenance, onlyCommit).RunAsync(
                [.. results.Where(result => wanted.Contains(result.Name)).SelectMany(result => result.Runs)],
                cancellation
            );
            foreach (IEnduranceRun run in endurance.Where(run => wanted.Contains(run.Name)))
            {
                if (Journal.Read(store.Folder, run.Name)?.IsComplete(onlyCommit) != true)
                    await run.MeasureAsync(store.Folder, cancellation);
            }
        }
        finally
        {
            ResultsDocument.Write(store, results, endurance); // also after a Ctrl-C or a failure, with what is recorded
        }
    }
);
return await RunAsync(root, args);
