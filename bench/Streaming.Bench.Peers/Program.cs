using System.CommandLine;
using System.Globalization;
using LLama.Native;
using Streaming.Bench;
using Streaming.Bench.Peers.Measuring;
using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Reporting;
using Streaming.Bench.Peers.Sides;
using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Memory;

// The engine beside llama.cpp; RESULTS.md, plots and the raw samples go to bench/Streaming.Bench.Peers:
//   dotnet run -c Release --project bench/Streaming.Bench.Peers
// Everything once in seconds, and the page anew from the samples:
//   dotnet run -c Release --project bench/Streaming.Bench.Peers -- --small --out FOLDER
//   dotnet run -c Release --project bench/Streaming.Bench.Peers -- --render
if (args is ["side", .. var side])
    return await RunSideAsync(side);

var small = new Option<bool>("--small") { Description = "Everything once, in seconds; the numbers say nothing." };
var render = new Option<bool>("--render") { Description = "Writes the page again from the samples, and measures nothing." };
var output = new Option<string>("--out")
{
    Description = "Folder of the results.",
    DefaultValueFactory = _ => Repository.PathTo("bench", "Streaming.Bench.Peers"),
};
var models = new Option<string>("--models")
{
    Description = "Folder of llama.cpp's models, which are written once.",
    DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "streaming-bench-peers"),
};
var parts = new Option<string[]>("--parts")
{
    Description = "shapes, busy, served: what is measured.",
    DefaultValueFactory = _ => Plan.AllParts,
    AllowMultipleArgumentsPerToken = true,
};
var shapes = new Option<string[]>("--shapes") { Description = "smol135m, llama1b.", AllowMultipleArgumentsPerToken = true };
var types = new Option<DType[]>("--dtypes")
{
    Description = "Our types; targets speak of the first.",
    AllowMultipleArgumentsPerToken = true,
};
var quants = new Option<string[]>("--quants")
{
    Description = "q8_0, q4_0: llama.cpp's types; targets speak of the first.",
    AllowMultipleArgumentsPerToken = true,
};
var threads = new Option<int[]>("--threads")
{
    Description = "Thread counts among which each side has its best.",
    AllowMultipleArgumentsPerToken = true,
};
var rounds = new Option<int?>("--rounds") { Description = "Turns of everybody." };
var served = new Option<string?>("--served-model")
{
    Description = "The host's checkpoint; by default the model that comes with the project.",
};
var servedWindow = new Option<int?>("--served-window") { Description = "The window of its conversations." };
var passive = new Option<bool>("--passive")
{
    Description = "llama.cpp's threads sleep when they wait: for a machine that does other things too.",
};
var root = new RootCommand("The engine beside llama.cpp.")
{
    small,
    render,
    passive,
    output,
    models,
    parts,
    shapes,
    types,
    quants,
    threads,
    rounds,
    served,
    servedWindow,
};
root.SetAction(
    async (parsed, cancellation) =>
    {
        string folder = parsed.GetRequiredValue(output);
        if (!parsed.GetValue(render))
            await Measurement.RunAsync(PlanOf(parsed), folder, parsed.GetRequiredValue(models), string.Join(' ', args), cancellation);
        Console.WriteLine($"Written to {ResultsPage.Write(SampleFile.Read(folder), folder)}.");
    }
);
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (InputException refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 2;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped. What was measured by then is in samples.jsonl; --render shows it.");
    return 130;
}

Plan PlanOf(ParseResult parsed)
{
    Plan plan = parsed.GetValue(small) ? Plan.SmallVersion() : Plan.Full();
    plan = plan with
    {
        Parts = parsed.GetRequiredValue(parts),
        Shapes = Given(shapes) ?? plan.Shapes,
        Types = Given(types) ?? plan.Types,
        Quants = Given(quants) ?? plan.Quants,
        Threads = Given(threads) ?? plan.Threads,
        Passive = parsed.GetValue(passive) || plan.Passive,
        Rounds = parsed.GetValue(rounds) ?? plan.Rounds,
        ServedModel = parsed.GetValue(served) ?? plan.ServedModel,
        ServedLayout = plan.ServedLayout with { Window = parsed.GetValue(servedWindow) ?? plan.ServedLayout.Window },
    };
    plan.Check();
    return plan;

    T[]? Given<T>(Option<T[]> option) => parsed.GetValue(option) is { Length: > 0 } values ? values : null;
}

// A child process of this program; see SideProcess, which starts it.
static async Task<int> RunSideAsync(string[] side)
{
    try
    {
        if (side[0] is "ours" or "gguf" or "engine" && AllocatorEnvironment.EnsureOrReexec() is { } slower)
            Console.Error.WriteLine(slower);
        await (
            side switch
            {
                ["ours", var shape, var type, var sinks, var window, var slots, var threads, var deterministic] => OurSide.RunAsync(
                    shape,
                    Enum.Parse<DType>(type),
                    new CacheLayout(Number(sinks), Number(window)),
                    Number(slots),
                    Number(threads),
                    bool.Parse(deterministic)
                ),
                ["llama", var gguf, var avx, var sinks, var window, var mapped] => LlamaSide.RunAsync(
                    gguf,
                    Enum.Parse<AvxLevel>(avx),
                    new CacheLayout(Number(sinks), Number(window)),
                    bool.Parse(mapped)
                ),
                ["gguf", var shape, var type, var path] => GgufSide.RunAsync(shape, Enum.Parse<GgmlType>(type), path),
                ["engine", var model, var type, var sinks, var window, var slots, var threads] => EngineSide.RunAsync(
                    model,
                    Enum.Parse<DType>(type),
                    new CacheLayout(Number(sinks), Number(window)),
                    Number(slots),
                    Number(threads)
                ),
                ["bandwidth"] => BandwidthSide.RunAsync(),
                _ => throw new InputException($"There is no side '{string.Join(' ', side)}': sides are started by the program itself."),
            }
        );
        return 0;
    }
    catch (InputException refusal)
    {
        Console.Error.WriteLine(refusal.Message);
        return 2;
    }

    static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
