using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Training;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming train</c>: from texts to a checkpoint.</summary>
internal static class TrainCommand
{
    private const string Explanation = """
        The mixture is a JSON file that names texts, chat JSONL ({ "messages": [{ "role", "content" }] } a line) and generators,
        each with its share of the training tokens: see models/mixture.json. Every hundredth text of a source is held out.

        Learnt are the assistant's words and stories. Every sequence begins with the start token.

        State and figures (loss.csv, held-out.csv, sink.csv) are kept in --work. The same command goes on from there, as if it
        had not been interrupted; a changed mixture counts from then on. Ctrl-C ends the step under way, keeps the state, and
        ends. The checkpoint in --output is replaced at each evaluation and at the end.
        """;

    public static Command Create()
    {
        var options = new TrainOptions();
        var command = new ExplainedCommand("train", "Trains a small chat model from texts to a checkpoint.", Explanation);
        options.AddTo(command);
        command.SetAction((parsed, _) => Task.FromResult(Run(options.Read(parsed))));
        return command;
    }

    private static int Run(TrainingOptions options)
    {
        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        TrainingOutcome end = Trainer.Run(options, new Lines(), cancel: cancellation.Token);
        signals.End();
        if (end != TrainingOutcome.Paused)
            Console.Out.WriteLine(options.Output);
        return cancellation.IsCancellationRequested ? StopSignals.ExitCode : 0;
    }

    /// <summary>Says how the training goes on standard error.</summary>
    private sealed class Lines : ITrainingProgress
    {
        public void StepCompleted(StepResult step) { }

        public void Log(string line) => Console.Error.WriteLine($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm:ss} {line}");
    }
}
