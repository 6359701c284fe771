using System.CommandLine;
using System.Globalization;
using LLama.Native;
using Streaming.Bench;
using Streaming.Bench.Peers.Measuring;
using Streaming.Bench.Peers.Records;
using Streaming.Bench.Peers.Reporting;
using Streaming.Bench.Peers.Runners;
using Streaming.Gguf;
using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using static Streaming.Bench.Benchmark;

// This engine compared with llama.cpp. RESULTS.md, its charts and the samples are written to bench/Streaming.Bench.Peers:
//   dotnet run -c Release --project bench/Streaming.Bench.Peers
// Everything once, in seconds; the page again from the samples:
//   dotnet run -c Release --project bench/Streaming.Bench.Peers -- --small --out FOLDER
//   dotnet run -c Release --project bench/Streaming.Bench.Peers -- --render
if (args is ["runner", .. var runner])
    return await RunRunnerAsync(runner);

Option<bool> small = Option("--small", false, "Everything once, in seconds; the numbers mean nothing.");
Option<bool> render = Option("--render", false, "Measures nothing: writes the page again from the samples.");
Option<string> output = Output("bench", "Streaming.Bench.Peers");
Option<string> models = Option(
    "--models",
    Path.Combine(Path.GetTempPath(), "streaming-bench-peers"),
    "Folder of llama.cpp's models, which are written once."
);
Option<string[]> parts = Option("--parts", Plan.AllParts, "What to measure: shapes, busy, served.");
Option<string[]> shapes = Option<string[]>("--shapes", [], "smol135m, llama1b.");
Option<DType[]> types = Option<DType[]>("--dtypes", [], "Types of this engine; the targets are about the first.");
Option<string[]> quants = Option<string[]>("--quants", [], "Types of llama.cpp, q8_0 or q4_0; the targets are about the first.");
Option<int[]> threads = Option<int[]>("--threads", [], "Numbers of threads; the result of a backend is the best of them.");
Option<int?> rounds = Option<int?>("--rounds", null, "Turns of each setting.");
Option<string?> served = Option<string?>("--served-model", null, "The host's checkpoint; by default the embedded model.");
Option<int?> servedWindow = Option<int?>("--served-window", null, "The window of the host's conversations.");
Option<bool> passive = Option("--passive", false, "llama.cpp's threads sleep while they wait: for a machine with other load.");
var root = new RootCommand("This engine compared with llama.cpp.")
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
        {
            var provenance = Provenance.Now(ResultsDocument.Project, args);
            await Measurement.RunAsync(PlanOf(parsed), folder, parsed.GetRequiredValue(models), provenance, cancellation);
        }
        Console.WriteLine($"Written to {ResultsDocument.Write(SampleFile.Read(folder), folder)}.");
    }
);
return await RunAsync(root, args);

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

// The child process that RunnerProcess starts.
static async Task<int> RunRunnerAsync(string[] runner)
{
    try
    {
        if (runner[0] is "ours" or "gguf" or "engine")
            SetAllocator();
        await (
            runner switch
            {
                ["ours", var shape, var type, var sinks, var window, var slots, var threads, var deterministic] => DecoderRunner.RunAsync(
                    shape,
                    Enum.Parse<DType>(type),
                    new CacheLayout(Number(sinks), Number(window)),
                    Number(slots),
                    Number(threads),
                    bool.Parse(deterministic)
                ),
                ["llama", var gguf, var avx, var sinks, var window, var mapped] => LlamaCppRunner.RunAsync(
                    gguf,
                    Enum.Parse<AvxLevel>(avx),
                    new CacheLayout(Number(sinks), Number(window)),
                    bool.Parse(mapped)
                ),
                ["gguf", var shape, var type, var path] => GgufRunner.RunAsync(shape, Enum.Parse<GgmlType>(type), path),
                ["engine", var model, var type, var sinks, var window, var slots, var threads] => EngineRunner.RunAsync(
                    model,
                    Enum.Parse<DType>(type),
                    new CacheLayout(Number(sinks), Number(window)),
                    Number(slots),
                    Number(threads)
                ),
                ["bandwidth"] => BandwidthRunner.RunAsync(),
                _ => throw new InputException($"The runner '{string.Join(' ', runner)}' is unknown: the program itself starts runners."),
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
