using System.CommandLine;
using Streaming.Cli.Options;
using Streaming.Inference.Tokenizing;

namespace Streaming.Cli.Commands;

/// <summary><c>streaming tokenize</c>: prints the token ids of a text as a JSON array.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        Option<string> model = ModelOption.Create();
        var text = new Option<string?>("--text") { Description = "The text.", HelpName = "TEXT" };
        Option<string?> file = new Option<string?>("--text-file")
        {
            Description = "A file with the text, in UTF-8.",
            HelpName = "FILE",
        }.NotEmpty();
        var plain = new Option<bool>("--plain") { Description = "Encodes control tokens in the text as plain text." };
        var noBos = new Option<bool>("--no-bos") { Description = "Leaves out the tokens that the tokenizer adds, usually BOS." };
        var command = new Command("tokenize", "Prints the token ids of a text as a JSON array.") { model, text, file, plain, noBos };
        command.Validators.Add(result =>
        {
            if (result.GetResult(text) is null == result.GetResult(file) is null)
                result.AddError("Give the text with either --text or --text-file");
        });
        command.SetAction(parsed =>
        {
            var tokenizer = Tokenizer.Load(parsed.GetRequiredValue(model));
            string content = parsed.GetValue(text) ?? TextFile.Read(parsed.GetRequiredValue(file)!);
            int[] ids = tokenizer.Encode(content, parseControl: !parsed.GetValue(plain), addSpecial: !parsed.GetValue(noBos));
            Console.Out.WriteLine($"[{string.Join(',', ids)}]");
        });
        return command;
    }
}
