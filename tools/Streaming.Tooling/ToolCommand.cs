using System.CommandLine;

namespace Streaming.Tooling;

/// <summary>A tool cannot do what it is asked; the message is one sentence: what is wrong, where, what to do.</summary>
public class ToolException(string message) : Exception(message);

/// <summary>Runs the command line of a tool.</summary>
public static class ToolCommand
{
    private const int Failed = 1,
        BadInput = 2,
        Cancelled = 130;

    /// <summary>
    /// Parses the arguments and runs the command. Errors are one line on stderr. A Ctrl-C or SIGTERM cancels the command's token; it
    /// then has half a minute to clean up.
    /// </summary>
    /// <param name="root">The command.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="isBadInput">Further exceptions whose message is a sentence about the input.</param>
    /// <returns>The exit code: the command's own; 1 for a failure, 2 for bad input, 130 after a cancellation.</returns>
    public static async Task<int> RunAsync(RootCommand root, string[] arguments, Func<Exception, bool>? isBadInput = null)
    {
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
            return await ReportAsync(BadInput, $"{parsed.Errors[0].Message.TrimEnd('.')}: see --help.");
        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) }
            );
        }
        catch (OperationCanceledException)
        {
            return await ReportAsync(Cancelled, "Stopped.");
        }
        catch (ToolException e)
        {
            return await ReportAsync(Failed, e.Message);
        }
        catch (Exception e) when (isBadInput?.Invoke(e) == true)
        {
            return await ReportAsync(BadInput, e.Message);
        }
    }

    private static async Task<int> ReportAsync(int exitCode, string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return exitCode;
    }
}
