using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary><c>--model</c>: the checkpoint's folder; without it the model that comes with the program.</summary>
internal static class ModelOption
{
    /// <summary>Where the model that comes with the program lies.</summary>
    private static string Embedded => Path.Combine(AppContext.BaseDirectory, "models", "starter");

    public static Option<string> Create() =>
        new Option<string>("--model")
        {
            Description = "A checkpoint's folder in Hugging Face layout; without it the model that comes with the program.",
            HelpName = "DIR",
            DefaultValueFactory = _ => Embedded,
        }.NotEmpty();
}
