using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Reports;
using Streaming.Cli.Sessions;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming bench</c>: measures the cost of a token with a full cache, by cache size and batch size.</summary>
internal static class BenchCommand
{
    private const int MaxBatch = 1024;

    private const string Explanation = $"""
        {PolicyOptions.Explanation}

        A step feeds one token to each stream of the batch and computes its logits; nothing is sampled. recompute feeds
        S + W tokens per step to an empty cache. dense starts with S + W tokens and grows. "ms per token" is the median
        step. Peak memory is that of the whole process during the steps. One process measures several windows or batch
        sizes in turn, so for memory, measure each in its own process. Ctrl-C prints the results so far.
        """;

    private sealed record Request(
        string? Model,
        string? Shape,
        EvaluationOptions Options,
        int[] Windows,
        int[] Batches,
        int Tokens,
        bool Json
    );

    public static Command Create()
    {
        Option<string> model = ModelOption.Create();
        var shape = new Option<string?>("--shape")
        {
            Description = $"Uses random weights of this shape instead of a model: {string.Join(" or ", NamedShapes.Names)}.",
            HelpName = "NAME",
        };
        var options = new PolicyOptions();
        Option<int[]> windows = NumbersOption.Create(
            "--window",
            "W, the recent tokens; several are measured in turn. Default: fills the model's context, at most 4096 with the sinks."
        );
        Option<int[]> batches = NumbersOption.Create("--batch", "Number of streams; several are measured in turn. Default 1.", MaxBatch);
        Option<int?> tokens = NumberOption.Create<int>("--tokens", "Steps to measure. Default 100.", 1, 10_000_000);
        var command = new ExplainedCommand(
            "bench",
            "Measures the cost of a token with a full cache: time, memory, tokens per second.",
            Explanation
        )
        {
            model,
            shape,
        };
        options.AddTo(command);
        foreach (Option option in (Option[])[windows, batches, tokens])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(model) is { Implicit: false } && result.GetResult(shape) is not null)
                result.AddError("Give either --model or --shape");
        });
        command.SetAction(
            (parsed, _) =>
                Task.FromResult(
                    Run(
                        new Request(
                            parsed.GetValue(model),
                            parsed.GetValue(shape),
                            options.Read(parsed),
                            parsed.GetRequiredValue(windows),
                            parsed.GetRequiredValue(batches),
                            parsed.GetValue(tokens) ?? 100,
                            options.Json(parsed)
                        )
                    )
                )
        );
        return command;
    }

    private static int Run(Request request)
    {
        using Checkpoint? checkpoint = request.Shape is null ? Checkpoint.Open(request.Model!) : null;
        ModelConfig config = checkpoint?.Config ?? NamedShapes.Of(request.Shape!);
        IWeightSource weights = checkpoint?.Weights ?? new RandomWeightSource();
        string name = checkpoint?.Name ?? request.Shape!;
        int growth = request.Options.Policy == CachePolicy.Dense ? DecodeBenchmark.Growth(CachePolicy.Dense, request.Tokens) : 0;

        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        bool headed = request.Json;
        foreach (int? window in request.Windows.Length == 0 ? (int?[])[null] : [.. request.Windows.Select(w => (int?)w)])
        {
            foreach (int batch in request.Batches.Length == 0 ? [1] : request.Batches)
            {
                using var model = EvaluationModel.Load(
                    config,
                    weights,
                    request.Options with
                    {
                        Window = window,
                        Batch = batch,
                        Growth = growth,
                    }
                );
                if (!headed)
                    Console.Out.WriteLine(BenchReport.Heading); // only now, so that invalid input prints nothing to standard output
                headed = true;
                DecodeBenchmarkResult result = ProgressBar.Show(
                    $"{name} {model.Asked.Fixed}+{model.Asked.Window}, batch {batch}",
                    request.Tokens,
                    show => DecodeBenchmark.Run(model, request.Tokens, done => show(done, ""), cancellation: cancellation.Token)
                );
                if (result.StepMs.Count > 0)
                {
                    var report = BenchReport.Of(name, model, result);
                    Console.Out.WriteLine(request.Json ? ResultJson.Of(report) : report.ToText());
                }
                if (cancellation.IsCancellationRequested)
                    return StopSignals.ExitCode;
            }
        }
        signals.End();
        return 0;
    }
}
