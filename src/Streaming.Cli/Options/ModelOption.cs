using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary><c>--model</c>: the checkpoint's folder, by default that of the embedded model.</summary>
internal static class ModelOption
{
    private static string Embedded => Path.Combine(AppContext.BaseDirectory, "models", "starter");

    public static Option<string> Create() =>
        new Option<string>("--model")
        {
            Description = "A checkpoint's folder in Hugging Face layout. Default: the embedded model.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Embedded,
        }.NotEmpty();
}
