using System.CommandLine;
using System.Globalization;
using Streaming.Cli.Options;
using Streaming.Cli.Reports;
using Streaming.Cli.Sessions;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Evaluation;
using Streaming.Inference.Tokenizing;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming perplexity</c>: measures how well a model predicts a text under an attention policy.</summary>
internal static class PerplexityCommand
{
    private const string Explanation = $"""
        {PolicyOptions.Explanation}

        Reset rule: the text is one stream. It begins with the start token, if the checkpoint has one. The cache is empty
        before the first token and never reset, whatever the text's length; only recompute empties it before each token.
        Segments are parts of the stream: nothing is reset between them.

        Every token after the start token is scored; without a start token, every token but the first. Logarithms are
        natural: nll is in nats per token, and perplexity is its exponential. Ctrl-C prints the results so far.
        """;

    private sealed record Request(
        string Model,
        string Text,
        EvaluationOptions Options,
        int? Tokens,
        bool Repeat,
        int? Segment,
        int Every,
        bool Json
    );

    public static Command Create()
    {
        Option<string> model = ModelOption.Create();
        var text = new Option<string>("--text")
        {
            Description = "A file with the text, in UTF-8.",
            HelpName = "FILE",
            Required = true,
        };
        var options = new PolicyOptions();
        Option<int?> window = NumberOption.Create<int>(
            "--window",
            "W, the recent tokens. Default: fills the checkpoint's context, at most 4096 with the sinks.",
            1
        );
        Option<int?> tokens = NumberOption.Create<int>("--tokens", "Scores only the first N tokens. Default: all.", 1);
        var repeat = new Option<bool>("--repeat") { Description = "Repeats the text until --tokens is reached." };
        Option<int?> segment = NumberOption.Create<int>("--segment", "Tokens in a segment of the results. Default: S + W.", 1);
        Option<int?> every = NumberOption.Create<int>(
            "--every",
            "Scores only every N-th token, starting with the first; all tokens are read. Default 1.",
            1
        );
        var command = new ExplainedCommand(
            "perplexity",
            "Measures how well a model predicts a text under an attention policy.",
            Explanation
        )
        {
            model,
            text,
        };
        options.AddTo(command);
        foreach (Option option in (Option[])[window, tokens, repeat, segment, every])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(repeat) && result.GetValue(tokens) is null)
                result.AddError("--repeat has no end without --tokens: add the number of tokens to score");
        });
        command.SetAction(
            (parsed, _) =>
                Task.FromResult(
                    Run(
                        new Request(
                            parsed.GetRequiredValue(model),
                            parsed.GetRequiredValue(text),
                            options.Read(parsed) with
                            {
                                Window = parsed.GetValue(window),
                            },
                            parsed.GetValue(tokens),
                            parsed.GetValue(repeat),
                            parsed.GetValue(segment),
                            parsed.GetValue(every) ?? 1,
                            options.Json(parsed)
                        )
                    )
                )
        );
        return command;
    }

    private static int Run(Request request)
    {
        using var checkpoint = Checkpoint.Open(request.Model);
        var text = EvaluationText.Of(Tokenizer.Load(checkpoint), TextFile.Read(request.Text), request.Tokens, request.Repeat);
        using var model = EvaluationModel.Load(checkpoint.Config, checkpoint.Weights, request.Options with { Growth = text.Predicted });
        var measurement = new PerplexityMeasurement(model, text, request.Segment, request.Every);

        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        PerplexityResult result = ProgressBar.Show(
            CachePolicies.NameOf(model.Policy),
            text.Predicted,
            show =>
                measurement.Run(
                    progress => show(progress.Position, progress.Perplexity.ToString("0.00", CultureInfo.InvariantCulture)),
                    cancellation.Token
                )
        );
        signals.End();

        if (result.Tokens > 0)
        {
            var report = PerplexityReport.Of(model, result);
            Console.Out.WriteLine(request.Json ? ResultJson.Of(report) : report.ToText());
        }
        return cancellation.IsCancellationRequested ? StopSignals.ExitCode : 0;
    }
}
