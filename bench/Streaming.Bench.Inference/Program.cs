using System.CommandLine;
using Streaming.Bench;
using Streaming.Inference;
using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Kernels;
using Streaming.Inference.Memory;

// Benchmarks of the engine; results go to bench/results, with the machine and the date beside the numbers:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- batch
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- long
// The managed kernels beside libtorch's, as a table on stdout:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- kernels --shape smol135m --dtype int8
// Where the time of a step goes, too:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- profile --shape smol135m --dtype int8 --threads 2 --together 8
// What a snapshot costs and saves, too:
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- snapshots --shape starter
// Time and memory of a load, as a table on stdout (a bfloat16 checkpoint is written to a folder that stays, 2.5 GB for llama1b):
//   dotnet run -c Release --project bench/Streaming.Bench.Inference -- load --shape llama1b --dtype int8 --threads 2
if (AllocatorEnvironment.EnsureOrReexec() is { } slower)
    Console.Error.WriteLine(slower);

var model = new Option<string>("--model")
{
    Description = "Checkpoint folder.",
    DefaultValueFactory = _ => Repository.PathTo("models", "starter"),
    Recursive = true,
};
var sinks = new Option<int>("--sinks")
{
    Description = "Sinks.",
    DefaultValueFactory = _ => 4,
    Recursive = true,
};
var window = new Option<int>("--window")
{
    Description = "Window.",
    DefaultValueFactory = _ => 508,
    Recursive = true,
};
var type = new Option<DType>("--dtype")
{
    Description = "Arithmetic.",
    DefaultValueFactory = _ => DType.Auto,
    Recursive = true,
};
var threads = new Option<int>("--threads")
{
    Description = "Threads of an operation.",
    DefaultValueFactory = _ => 1,
    Recursive = true,
};
var output = new Option<string>("--out")
{
    Description = "Folder of the results.",
    DefaultValueFactory = _ => Repository.PathTo("bench", "results"),
    Recursive = true,
};
var tokens = new Option<int>("--tokens")
{
    Description = "Tokens that each conversation decodes in a measurement.",
    DefaultValueFactory = _ => 300,
};
var windows = new Option<int>("--windows") { Description = "Length of the reply, in windows.", DefaultValueFactory = _ => 100 };

var batch = new Command("batch", "Tokens per second in all for 1, 2, 4, 8, 16 conversations.") { tokens };
batch.SetAction((parsed, cancellation) => BatchBenchmark.RunAsync(SetupOf(parsed), parsed.GetValue(tokens), cancellation));
var @long = new Command("long", "Resident memory and time per token along one long reply.") { windows };
@long.SetAction((parsed, cancellation) => LongBenchmark.RunAsync(SetupOf(parsed), parsed.GetValue(windows), cancellation));

var shape = new Option<string>("--shape") { Description = "smol135m, llama1b or starter.", DefaultValueFactory = _ => "smol135m" };
var kernelSet = new Option<KernelSet>("--kernels")
{
    Description = "What is compared with libtorch's.",
    DefaultValueFactory = _ => KernelSet.Auto,
};
var loads = new Option<int[]>("--conversations")
{
    Description = "Conversations in a step.",
    DefaultValueFactory = _ => [1, 4, 8, 16],
    AllowMultipleArgumentsPerToken = true,
};
var prompts = new Option<int[]>("--prompts")
{
    Description = "Tokens of a prompt in a step.",
    DefaultValueFactory = _ => [16, 32, 128, 512],
    AllowMultipleArgumentsPerToken = true,
};
var kernels = new Command("kernels", "The managed kernels beside libtorch's, in turns in one process.")
{
    shape,
    kernelSet,
    loads,
    prompts,
};
kernels.SetAction(
    (parsed, cancellation) =>
        Task.Run(
            () =>
            {
                string name = parsed.GetRequiredValue(shape);
                (ModelConfig config, CacheLayout layout) = ShapeOf(name);
                KernelBenchmark.Head(Console.Out);
                new KernelBenchmark(config, parsed.GetValue(type), parsed.GetValue(threads), layout, parsed.GetValue(kernelSet)).Run(
                    Console.Out,
                    name,
                    parsed.GetRequiredValue(loads),
                    parsed.GetRequiredValue(prompts),
                    cancellation
                );
            },
            cancellation
        )
);

var together = new Option<int>("--together") { Description = "Conversations in a step.", DefaultValueFactory = _ => 1 };
var rowsEach = new Option<int>("--rows") { Description = "Tokens of each in a step.", DefaultValueFactory = _ => 1 };
var profile = new Command("profile", "The operations of a step: time, bytes, multiplications.") { shape, together, rowsEach };
profile.SetAction(
    (parsed, cancellation) =>
        Task.Run(
            () =>
            {
                string name = parsed.GetRequiredValue(shape);
                (ModelConfig config, CacheLayout layout) = ShapeOf(name);
                new ProfileBenchmark(config, parsed.GetValue(type), parsed.GetValue(threads), layout).Run(
                    Console.Out,
                    name,
                    parsed.GetValue(together),
                    parsed.GetValue(rowsEach),
                    cancellation
                );
            },
            cancellation
        )
);

var types = new Option<DType[]>("--dtypes")
{
    Description = "Arithmetics.",
    DefaultValueFactory = _ => [DType.Float32, DType.BFloat16, DType.Int8],
    AllowMultipleArgumentsPerToken = true,
};
var snapshots = new Command("snapshots", "Size and times of a snapshot, and of coming back with and without it.") { shape, types };
snapshots.SetAction(
    async (parsed, cancellation) =>
    {
        string name = parsed.GetRequiredValue(shape);
        (ModelConfig config, CacheLayout layout) = ShapeOf(name);
        SnapshotBenchmark.Head(Console.Out);
        foreach (DType arithmetic in parsed.GetRequiredValue(types))
            await new SnapshotBenchmark(config, arithmetic, parsed.GetValue(threads), layout).RunAsync(Console.Out, name, cancellation);
    }
);

var folder = new Option<string?>("--folder")
{
    Description = "Where the checkpoint is, or is written; a folder of the system's temporary ones if left out.",
};
var load = new Command("load", "Time and memory of loading a checkpoint of a known shape.") { shape, folder };
load.SetAction(
    (parsed, cancellation) =>
        Task.Run(
            () =>
            {
                string name = parsed.GetRequiredValue(shape);
                LoadBenchmark.Run(
                    Console.Out,
                    name,
                    NamedShapes.Of(name),
                    parsed.GetValue(folder) ?? Path.Combine(Path.GetTempPath(), $"streaming-load-{name}"),
                    parsed.GetValue(type),
                    parsed.GetValue(threads)
                );
            },
            cancellation
        )
);

var sampler = new Command("sampler", "Time of choosing a token, by the shape's vocabulary.") { shape };
sampler.SetAction(
    (parsed, cancellation) =>
        Task.Run(() => SamplerBenchmark.Run(Console.Out, NamedShapes.Of(parsed.GetRequiredValue(shape)).VocabularySize), cancellation)
);

try
{
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
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (InputException refusal)
{
    Console.Error.WriteLine(refusal.Message);
    return 2;
}

Setup SetupOf(ParseResult parsed) =>
    new(
        parsed.GetRequiredValue(model),
        new CacheLayout(parsed.GetValue(sinks), parsed.GetValue(window)),
        parsed.GetValue(type),
        parsed.GetValue(threads),
        parsed.GetRequiredValue(output),
        string.Join(' ', args)
    );

static (ModelConfig Shape, CacheLayout Layout) ShapeOf(string name) =>
    name switch
    {
        "starter" => (ShapeWeights.Starter, new CacheLayout(4, 508)),
        _ => (NamedShapes.Of(name), new CacheLayout(4, 1020)),
    };
