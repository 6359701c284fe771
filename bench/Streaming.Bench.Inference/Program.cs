using System.CommandLine;
using Streaming.Bench;
using Streaming.Bench.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Tooling;
using static Streaming.Bench.Benchmark;

// Benchmarks of the engine. These write their results with machine, date and commit to bench/results, snapshots also to docs/snapshots.md:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- batch
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- long
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- snapshots --shapes starter smol135m
// These print a table:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- kernels --shape smol135m --dtype int8
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- profile --shape smol135m --dtype int8 --threads 2 --together 8
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- load --shape llama1b --dtype int8 --threads 2
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- sampler --shape smol135m
SetAllocator();

Option<string> model = Option("--model", Repository.PathTo("models", "starter"), "Checkpoint folder.");
Option<int> sinks = Option("--sinks", 4, "Sinks.");
Option<int> window = Option("--window", 1020, "Window.");
Option<DType> type = Option("--dtype", DType.Auto, "Type of weights and arithmetic.");
Option<int> threads = Option("--threads", 1, "Threads of an operation.");
Option<string> output = Output("bench", "results");
Option<string> shape = Option("--shape", "smol135m", Shape.Description);

Option<int> tokens = Option("--tokens", 300, "Tokens that each conversation decodes in a measurement.");
var batch = new Command("batch", "Tokens per second by the number of conversations.") { tokens };
batch.SetAction(
    (parsed, cancellation) => new BatchBenchmark(SetupOf(parsed), Page(parsed)).RunAsync(parsed.GetValue(tokens), cancellation)
);

Option<int> windows = Option("--windows", 100, "Length of the reply, in windows.");
var @long = new Command("long", "Memory and time per token along one long reply.") { windows };
@long.SetAction(
    (parsed, cancellation) => new LongBenchmark(SetupOf(parsed), Page(parsed)).RunAsync(parsed.GetValue(windows), cancellation)
);

Option<KernelSet> kernelSet = Option("--kernels", KernelSet.Auto, "Kernels to compare with libtorch's.");
Option<int[]> loads = Option<int[]>("--conversations", [1, 4, 8, 16], "Conversations in a step.");
Option<int[]> prompts = Option<int[]>("--prompts", [16, 32, 128, 512], "Tokens of a prompt in a step.");
var kernels = new Command("kernels", "The managed kernels compared with libtorch's, in turns in one process.")
{
    shape,
    kernelSet,
    loads,
    prompts,
};
kernels.SetAction(
    (parsed, cancellation) =>
        Print(() =>
            new KernelBenchmark(ShapeOf(parsed), parsed.GetValue(type), parsed.GetValue(threads), parsed.GetValue(kernelSet)).Run(
                parsed.GetRequiredValue(loads),
                parsed.GetRequiredValue(prompts),
                cancellation
            )
        )
);

Option<int> together = Option("--together", 1, "Conversations in a step.");
Option<int> rows = Option("--rows", 1, "Tokens of each conversation in a step.");
var profile = new Command("profile", "Time, bytes and multiplications of a step's operations.") { shape, together, rows };
profile.SetAction(
    (parsed, cancellation) =>
        Print(() =>
            new ProfileBenchmark(ShapeOf(parsed), parsed.GetValue(type), parsed.GetValue(threads)).Run(
                parsed.GetValue(together),
                parsed.GetValue(rows),
                cancellation
            )
        )
);

Option<string[]> shapes = Option<string[]>("--shapes", ["starter"], Shape.Description);
Option<DType[]> types = Option<DType[]>("--dtypes", [DType.Float32, DType.BFloat16, DType.Int8], "Types.");
Option<string> document = Option("--document", Repository.PathTo("docs", "snapshots.md"), "Document that shows the table.");
var snapshots = new Command("snapshots", "Size and times of a snapshot, and of resuming with and without it.") { shapes, types, document };
snapshots.SetAction(
    (parsed, cancellation) =>
        SnapshotBenchmark.RunAsync(
            [.. parsed.GetRequiredValue(shapes).Select(Shape.Of)],
            parsed.GetRequiredValue(types),
            parsed.GetValue(threads),
            parsed.GetRequiredValue(document),
            ProvenanceOf(),
            cancellation
        )
);

Option<string?> folder = Option<string?>(
    "--folder",
    null,
    "Folder of the checkpoint, which is written if absent; by default a temporary one."
);
var load = new Command("load", "Time and memory of loading a checkpoint of a known shape.") { shape, folder };
load.SetAction(
    (parsed, _) => Print(() => LoadBenchmark.Run(ShapeOf(parsed), parsed.GetValue(folder), parsed.GetValue(type), parsed.GetValue(threads)))
);

var sampler = new Command("sampler", "Time of sampling a token, for the shape's vocabulary.") { shape };
sampler.SetAction((parsed, _) => Print(() => SamplerBenchmark.Run(ShapeOf(parsed).Config.VocabularySize)));

var root = new RootCommand("Benchmarks of the engine.")
{
    batch,
    @long,
    kernels,
    profile,
    snapshots,
    load,
    sampler,
    model,
    sinks,
    window,
    type,
    threads,
    output,
};
return await RunAsync(root, args);

DecodeSetup SetupOf(ParseResult parsed) =>
    new(
        parsed.GetRequiredValue(model),
        new CacheLayout(parsed.GetValue(sinks), parsed.GetValue(window)),
        parsed.GetValue(type),
        parsed.GetValue(threads)
    );

Shape ShapeOf(ParseResult parsed) => Shape.Of(parsed.GetRequiredValue(shape));

EnginePage Page(ParseResult parsed) => new(parsed.GetRequiredValue(output), ProvenanceOf());

Provenance ProvenanceOf() => Provenance.Now("bench/Streaming.Bench.Inference", args);

// On a thread of the pool: the calling thread is the command line's, and a Ctrl-C must reach it.
static Task Print(Func<string> measure) => Task.Run(() => Console.WriteLine(measure()), CancellationToken.None);
