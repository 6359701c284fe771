using System.CommandLine;
using Streaming.Bench.Paper;
using Streaming.Bench.Paper.Endurance;
using Streaming.Bench.Paper.Endurance.Served;
using Streaming.Bench.Paper.Results;
using Streaming.Bench.Paper.Runs;
using Streaming.Inference;
using Streaming.Inference.Memory;

// The paper's results (Xiao et al. 2023) on this project's engine. The numbers of tables and figures come from `streaming` commands,
// whose output is kept in runs.jsonl: what is there is not measured again, so that it may be cut short and goes on where it was.
// The two long conversations, `engine` and `served`, are one run each, kept as it goes in engine.jsonl and served.jsonl.
//   dotnet run -c Release --project bench/Streaming.Bench.Paper                      everything, then RESULTS.md
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- table1 figure10   these, then RESULTS.md with whatever there is
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- --render          RESULTS.md alone
//   dotnet run -c Release --project bench/Streaming.Bench.Paper -- --small           a few hundred tokens of each, to see that it works
if (AllocatorEnvironment.EnsureOrReexec() is { } slower)
    Console.Error.WriteLine(slower);

string[] longRuns = ["engine", "served"];
string[] names = [.. PaperResults.Names, .. longRuns];
var parts = new Argument<string[]>("parts")
{
    Description = $"Which results: {string.Join(", ", names)}. Default: all.",
    Arity = ArgumentArity.ZeroOrMore,
};
parts.AcceptOnlyFromAmong(names);
var small = new Option<bool>("--small") { Description = "A few hundred tokens of each, with the embedded model alone." };
var render = new Option<bool>("--render") { Description = "Measures nothing: writes RESULTS.md from what is there." };
var again = new Option<bool>("--again") { Description = "Measures anew what is there already." };
var tokens = new Option<int?>("--tokens") { Description = "Tokens of the long conversations, a multiple of 4,000. Default: 4,000,000." };
tokens.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() is int most && (most < EnduranceScale.LeastTokens || most % EnduranceScale.LeastTokens != 0))
        result.AddError($"--tokens is {most} and must be a multiple of {EnduranceScale.LeastTokens}");
});
var threads = new Option<int>("--threads") { Description = "Threads of an operation.", DefaultValueFactory = _ => 1 };
var folder = new Option<string>("--out")
{
    Description = "Folder of RESULTS.md, plots and what was measured.",
    DefaultValueFactory = _ => Repository.PathTo("bench", "Streaming.Bench.Paper"),
};

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
        string command = $"dotnet run -c Release --project bench/Streaming.Bench.Paper -- {string.Join(' ', args)}".TrimEnd(' ', '-');
        var store = RunStore.Open(parsed.GetRequiredValue(folder));
        IReadOnlyList<IPaperResult> all = PaperResults.All(scale, parsed.GetValue(threads));
        IReadOnlyList<IEnduranceRun> endurance =
        [
            new EngineRun(length, parsed.GetValue(threads), command),
            new ServedRun(length, parsed.GetValue(threads), command),
        ];
        string[] asked = parsed.GetValue(parts) is { Length: > 0 } named ? named : names;
        try
        {
            if (!parsed.GetValue(render))
            {
                await new Runner(store, parsed.GetValue(again)).RunAsync(
                    [.. all.Where(result => asked.Contains(result.Name)).SelectMany(result => result.Runs)],
                    cancellation
                );
                foreach (IEnduranceRun run in endurance.Where(run => asked.Contains(run.Name)))
                {
                    if (parsed.GetValue(again) || Journal.Read(store.Folder, run.Name)?.End is null)
                        await run.MeasureAsync(store.Folder, cancellation);
                }
            }
        }
        finally
        {
            ResultsDocument.Write(store, all, endurance); // with what there is, also after Ctrl-C or a failure
        }
    }
);
try
{
    return await root.Parse(args)
        .InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) }
        );
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine(
        "Stopped. What was measured is kept. Tables and figures go on from there by the same command; a long conversation begins anew."
    );
    return 130;
}
catch (Exception failure) when (failure is MeasurementException or InputException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
