using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Training;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming train</c>: trains a checkpoint on texts.</summary>
internal static class TrainCommand
{
    private const string Explanation = """
        The mixture is a JSON file that names texts, chat JSONL (a line is { "messages": [{ "role", "content" }] }) and
        generators, each with its share of the training tokens: see models/mixture.json. Every hundredth text of a source
        is held out.

        The loss counts stories and the assistant's words, and both speakers' words in dialogues between two people. Every
        sequence begins with the start token.

        The folder --work holds the state and the metrics (loss.csv, held-out.csv, sink.csv). The same command resumes from
        there with the same results as an uninterrupted training; a changed mixture takes effect from then on. Ctrl-C saves
        the state after the current step and stops. The checkpoint in --output is replaced at each evaluation and at the end.
        """;

    public static Command Create()
    {
        var options = new TrainOptions();
        var command = new ExplainedCommand("train", "Trains a small chat model on texts.", Explanation);
        options.AddTo(command);
        command.SetAction((parsed, _) => Task.FromResult(Run(options.Read(parsed))));
        return command;
    }

    private static int Run(TrainingOptions options)
    {
        using var cancellation = new CancellationTokenSource();
        using var signals = new StopSignals(cancellation.Cancel);
        signals.Begin();
        TrainingOutcome end = Trainer.Run(options, new ConsoleProgress(), cancel: cancellation.Token);
        signals.End();
        if (end != TrainingOutcome.Paused)
            Console.Out.WriteLine(options.Output);
        return cancellation.IsCancellationRequested ? StopSignals.ExitCode : 0;
    }

    /// <summary>Writes progress to standard error.</summary>
    private sealed class ConsoleProgress : ITrainingProgress
    {
        public void StepCompleted(StepResult step) { }

        public void Log(string line) => Console.Error.WriteLine($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd HH:mm:ss} {line}");
    }
}
