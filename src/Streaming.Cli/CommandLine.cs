using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Streaming.Cli.Commands;
using Streaming.Cli.Options;
using Streaming.Inference;

namespace Streaming.Cli;

/// <summary>
/// The <c>streaming</c> command. Results go to standard output, everything else to standard error. An error is one line that says what
/// to do, never a stack trace.
/// </summary>
internal static class CommandLine
{
    private const int Failed = 1,
        BadInput = 2;

    /// <summary>Runs a command and returns its exit code: 0, 2 for bad input, 130 after Ctrl-C or SIGTERM, 1 for any other error.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var root = new RootCommand(
            "Conversations that never end: generate, chat, tokenize, perplexity, bench, train, evaluate, move-store."
        )
        {
            GenerateCommand.Create(),
            ChatCommand.Create(),
            TokenizeCommand.Create(),
            PerplexityCommand.Create(),
            BenchCommand.Create(),
            TrainCommand.Create(),
            EvaluateCommand.Create(),
            MoveStoreCommand.Create(),
        };
        root.Options.OfType<HelpOption>().Single().Action = new ExplainingHelp();
        // No response files, because a prompt may begin with '@', and no bundling, so that values are taken as they are.
        ParseResult parsed = CommandLineParser.Parse(
            root,
            arguments,
            new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false }
        );
        if (parsed.Errors.Count > 0)
            return await ReportAsync(BadInput, SentenceOf(parsed));
        try
        {
            // The commands handle signals: the first Ctrl-C stops a reply, and its text and stats are still written.
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }
            );
        }
        catch (InputException e)
        {
            return await ReportAsync(BadInput, e.Message);
        }
        catch (IOException e)
        {
            return await ReportAsync(
                Failed,
                $"The output cannot be written ({e.Message.TrimEnd('.')}): check the disk, or the program that reads the output."
            );
        }
        catch (Exception e) // the edge of the program: any other error is still one line
        {
            return await ReportAsync(Failed, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private static string SentenceOf(ParseResult parsed)
    {
        string command = parsed.CommandResult.Command is RootCommand ? "streaming" : $"streaming {parsed.CommandResult.Command.Name}";
        string wrong = parsed.UnmatchedTokens is [string unknown, ..]
            ? $"'{unknown}' is not a command or option"
            : parsed.Errors[0].Message.TrimEnd('.');
        return $"{wrong}: see `{command} --help`.";
    }

    private static async Task<int> ReportAsync(int exitCode, string sentence)
    {
        await Console.Error.WriteLineAsync(sentence.ReplaceLineEndings(" "));
        return exitCode;
    }
}
