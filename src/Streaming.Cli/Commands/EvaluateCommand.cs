using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Training.Evaluation;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming evaluate</c>: how good a model is that was trained here.</summary>
internal static class EvaluateCommand
{
    private const string Explanation = """
        Three things, all set down before the training: the loss on each source's held-out texts (also per character, so that
        vocabularies compare), replies to the opening messages of models/evaluation, and a story without an end with the share of
        its runs of eight tokens that it had said before. Prints JSON.
        """;

    public static Command Create()
    {
        Option<string> model = ModelOption.Create();
        var against = new Option<string?>("--against")
        {
            Description = "Another checkpoint, for the held-out texts.",
            HelpName = "DIR",
        }.NotEmpty();
        Option<string> mixture = new Option<string>("--mixture")
        {
            Description = "The mixture whose held-out texts are scored.",
            HelpName = "FILE.json",
            Required = true,
        }.NotEmpty();
        Option<string> data = new Option<string>("--data")
        {
            Description = "Where the paths in the mixture begin.",
            HelpName = "DIR",
            Required = true,
        }.NotEmpty();
        Option<int?> length = NumberOption.Create<int>("--length", "Tokens of a sequence in which texts are scored. Default 512.", 8);
        Option<int?> story = NumberOption.Create<int>(
            "--story-tokens",
            "Tokens of the story without an end; 0 for none. Default 20000.",
            0
        );
        Option<long?> seed = NumberOption.Create<long>("--seed", "What replies are sampled with. Default 1.", 0);
        Option<int?> threads = NumberOption.Create<int>("--threads", "Threads. Default: one per processor.", 1, 1024);
        var command = new ExplainedCommand("evaluate", "Evaluates a model that was trained here.", Explanation)
        {
            model,
            against,
            mixture,
            data,
            length,
            story,
            seed,
            threads,
        };
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    new EvaluatorOptions
                    {
                        Model = parsed.GetRequiredValue(model),
                        Against = parsed.GetValue(against),
                        Mixture = parsed.GetRequiredValue(mixture),
                        Data = parsed.GetRequiredValue(data),
                        Length = parsed.GetValue(length) ?? 512,
                        StoryTokens = parsed.GetValue(story) ?? 20_000,
                        Seed = parsed.GetValue(seed) ?? 1,
                        Threads = parsed.GetValue(threads),
                    }
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(EvaluatorOptions options)
    {
        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        try
        {
            EvaluationReport report = await Evaluator.RunAsync(options, Console.Error.WriteLine, cancellation.Token);
            Console.Out.Write(report.ToJson());
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Console.Error.WriteLine("Interrupted before there was a result.");
            return StopSignals.ExitCode;
        }
    }
}
