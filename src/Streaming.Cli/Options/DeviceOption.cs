using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary>The option <c>--device</c> of the commands that compute.</summary>
internal static class DeviceOption
{
    public static Option<string> Create() =>
        new Option<string>("--device")
        {
            Description = "cpu; or cuda:0, cuda:1, ... in a build with -p:Torch=cuda.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "cpu",
        }.NotEmpty();
}
