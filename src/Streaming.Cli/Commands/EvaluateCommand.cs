using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Training.Evaluation;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming evaluate</c>: evaluates a model that <c>streaming train</c> wrote.</summary>
internal static class EvaluateCommand
{
    private const string Explanation = """
        Prints JSON with three results: the loss on each source's held-out texts (also per character, which is comparable
        between vocabularies), the replies to the opening messages in models/evaluation, and an endless story with the share
        of its 8-grams that occur earlier in it.
        """;

    public static Command Create()
    {
        Option<string> model = ModelOption.Create();
        Option<string?> against = new Option<string?>("--against")
        {
            Description = "Another checkpoint, to compare on the held-out texts.",
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
            Description = "The folder to which the paths in the mixture are relative.",
            HelpName = "DIR",
            Required = true,
        }.NotEmpty();
        Option<int?> length = NumberOption.Create<int>("--length", "Tokens in a sequence when texts are scored. Default 512.", 8);
        Option<int?> story = NumberOption.Create<int>("--story-tokens", "Tokens of the endless story; 0 for none. Default 20000.", 0);
        Option<long?> seed = NumberOption.Create<long>("--seed", "Seed of the replies. Default 1.", 0);
        Option<int?> threads = ThreadsOption.Create("one per processor");
        var command = new ExplainedCommand("evaluate", "Evaluates a model that `streaming train` wrote.", Explanation)
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
            Console.Error.WriteLine("Interrupted: there is no result yet.");
            return StopSignals.ExitCode;
        }
    }
}
