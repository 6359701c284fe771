using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary>The option <c>--threads</c> of the commands that compute.</summary>
internal static class ThreadsOption
{
    /// <param name="standard">The default, in words.</param>
    public static Option<int?> Create(string standard) =>
        NumberOption.Create<int>("--threads", $"CPU threads. Default: {standard}.", 1, 1024);
}
