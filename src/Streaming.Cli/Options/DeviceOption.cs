using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary>The option <c>--device</c> of the commands that compute.</summary>
internal static class DeviceOption
{
    /// <summary>An option of its own for each command.</summary>
    public static Option<string> Create() =>
        new Option<string>("--device")
        {
            Description = "cpu, or cuda:0 and so on in a build with -p:Torch=cuda.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "cpu",
        }.NotEmpty();
}
