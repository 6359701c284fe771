using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Cli.Sessions;
using Streaming.Inference;
using Streaming.Inference.Batching;
using Streaming.Inference.Tokenizing;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming generate</c>: prints the reply to a prompt, and nothing else.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var options = new GenerationOptions();
        var prompt = new Option<string>("--prompt")
        {
            Description = "A user's message; with --raw, any text.",
            HelpName = "TEXT",
            Required = true,
        };
        var raw = new Option<bool>("--raw")
        {
            Description = "Feeds the prompt without the chat template, and parses control tokens in it.",
        };
        var command = new Command("generate", "Prints the reply to a prompt.") { prompt, raw };
        options.AddTo(command);
        command.SetAction((parsed, _) => RunAsync(options.Read(parsed), parsed.GetRequiredValue(prompt), parsed.GetValue(raw)));
        return command;
    }

    private static async Task<int> RunAsync(GenerationRequest request, string prompt, bool raw)
    {
        if (prompt.Length == 0 && !raw)
            throw new InputException("--prompt is empty: write a message, or add --raw to start from the start token alone.");
        await using var session = Session.Load(request);
        int[] ids = raw ? Raw(session.Tokenizer, prompt) : session.Chat.Opening(null, [prompt]);
        using var signals = new StopSignals(session.Stop);
        await using StreamWriter output = StandardStreams.OpenOutput();
        signals.Begin();
        EndReason reason = await session.ReplyAsync(ids, output, continuesInput: true);
        signals.End();
        if (!Console.IsOutputRedirected)
            await Console.Error.WriteLineAsync(); // so that the shell's prompt begins on a new line
        if (request.StatsFile is not null)
            await session.WriteStatsAsync(request.StatsFile);
        return reason == EndReason.Stopped ? StopSignals.ExitCode : 0;
    }

    private static int[] Raw(Tokenizer tokenizer, string prompt)
    {
        int[] ids = tokenizer.Encode(prompt, parseControl: true, addSpecial: false);
        if (tokenizer.BosId is int bos && (ids.Length == 0 || ids[0] != bos))
            ids = [bos, .. ids];
        return ids.Length > 0 ? ids : throw new InputException("--prompt is empty and the checkpoint has no start token: write a prompt.");
    }
}
