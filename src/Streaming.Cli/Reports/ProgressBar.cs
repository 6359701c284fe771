using Spectre.Console;

namespace Streaming.Cli.Reports;

/// <summary>A progress bar on standard error, where that is a terminal; elsewhere nothing.</summary>
internal static class ProgressBar
{
    /// <summary>Runs a work and shows how far it is.</summary>
    /// <param name="title">What is done.</param>
    /// <param name="total">How far it goes.</param>
    /// <param name="work">The work, on the calling thread; it tells how far it is, and a few words to show.</param>
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
