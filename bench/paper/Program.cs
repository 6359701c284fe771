using System.CommandLine;
using Streaming.Paper;
using Streaming.Paper.Results;
using Streaming.Paper.Runs;

// The paper's results (Xiao et al. 2023) on this project's engine. Every number comes from a `streaming` command, whose output is
// kept in runs.jsonl: what is there is not measured again, so that a run may be cut short and goes on where it was.
//   dotnet run -c Release --project bench/paper                      everything, then RESULTS.md
//   dotnet run -c Release --project bench/paper -- table1 figure10   these, then RESULTS.md with whatever there is
//   dotnet run -c Release --project bench/paper -- --render          RESULTS.md alone
//   dotnet run -c Release --project bench/paper -- --small           a few hundred tokens of each, to see that it works
var parts = new Argument<string[]>("parts") { Description = $"Which results: {string.Join(", ", PaperResults.Names)}. Default: all.", Arity = ArgumentArity.ZeroOrMore };
parts.AcceptOnlyFromAmong([.. PaperResults.Names]);
var small = new Option<bool>("--small") { Description = "A few hundred tokens of each, with the embedded model alone." };
var render = new Option<bool>("--render") { Description = "Measures nothing: writes RESULTS.md from the runs that are there." };
var again = new Option<bool>("--again") { Description = "Measures anew what is there already." };
var threads = new Option<int>("--threads") { Description = "Threads of an operation.", DefaultValueFactory = _ => 1 };
var folder = new Option<string>("--out") { Description = "Folder of RESULTS.md, plots and runs.", DefaultValueFactory = _ => Repository.PathTo("bench", "paper") };

var root = new RootCommand("Measures the paper's tables and figures on this engine.") { parts, small, render, again, threads, folder };
root.SetAction(async (parsed, cancellation) =>
{
    Scale scale = parsed.GetValue(small) ? Scale.Small : Scale.Full;
    var store = RunStore.Open(parsed.GetRequiredValue(folder));
    IReadOnlyList<IPaperResult> all = PaperResults.All(scale, parsed.GetValue(threads));
    string[] asked = parsed.GetValue(parts) is { Length: > 0 } named ? named : [.. PaperResults.Names];
    if (!parsed.GetValue(render))
        await new Runner(store, parsed.GetValue(again)).RunAsync([.. all.Where(result => asked.Contains(result.Name)).SelectMany(result => result.Runs)], cancellation);
    ResultsDocument.Write(store, all);
});
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped. What was measured is kept: the same command goes on from there.");
    return 130;
}
catch (MeasurementException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
