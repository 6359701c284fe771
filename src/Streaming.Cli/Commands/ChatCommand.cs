using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Inference.Chat;

namespace Streaming.Cli.Commands;

/// <summary>
/// <c>streaming chat</c>: answers each line of standard input until the input ends. The session is one endless stream: no token is fed
/// twice, and the sinks and the window stay in the cache.
/// </summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var options = new GenerationOptions();
        var command = new Command("chat", "Answers each line of standard input; Ctrl-C stops a reply, Ctrl-D ends the chat.");
        options.AddTo(command);
        command.SetAction((parsed, _) => RunAsync(options.Read(parsed)));
        return command;
    }

    private static async Task<int> RunAsync(GenerationRequest request)
    {
        await using var session = Session.Load(request);
        ChatFormat format = session.Chat;
        using var signals = new StopSignals(session.Stop);
        using StreamReader input = StandardStreams.OpenInput();
        await using StreamWriter output = StandardStreams.OpenOutput();
        while (!signals.Terminating && Ask(input) is string message)
        {
            if (string.IsNullOrWhiteSpace(message))
                continue;
            int[] ids = session.LastId is int last ? format.Continuation(null, [message], last) : format.Opening(null, [message]);
            signals.Begin();
            await session.ReplyAsync(ids, output, continuesInput: false);
            signals.End();
            await output.WriteLineAsync();
            await output.FlushAsync();
        }
        if (request.StatsFile is not null)
            await session.WriteStatsAsync(request.StatsFile);
        return signals.Terminating ? StopSignals.ExitCode : 0;
    }

    private static string? Ask(StreamReader input)
    {
        if (!Console.IsInputRedirected)
            Console.Error.Write("> ");
        return input.ReadLine();
    }
}
