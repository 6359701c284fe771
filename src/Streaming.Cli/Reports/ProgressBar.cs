using Spectre.Console;

namespace Streaming.Cli.Reports;

/// <summary>A progress bar on standard error if that is a terminal; otherwise nothing is shown.</summary>
internal static class ProgressBar
{
    /// <summary>Runs an operation and shows its progress.</summary>
    /// <param name="title">The operation's title.</param>
    /// <param name="total">The progress at which the operation is complete.</param>
    /// <param name="work">The operation, run on the calling thread; it reports its progress and a few words to show.</param>
    /// <returns>The operation's result.</returns>
    public static T Show<T>(string title, int total, Func<Action<int, string>, T> work)
    {
        if (Console.IsErrorRedirected)
            return work(static (_, _) => { });
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console
            .Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: total);
                return work(
                    (done, words) =>
                    {
                        task.Value = done;
                        task.Description = Markup.Escape($"{title} {words}");
                    }
                );
            });
    }
}
