using System.Text;

namespace Streaming.Cli.Sessions;

/// <summary>Standard input and output in UTF-8 without a byte order mark, whatever the system's encoding.</summary>
internal static class StandardStreams
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static StreamReader OpenInput() => new(Console.OpenStandardInput(), Utf8);

    public static StreamWriter OpenOutput() => new(Console.OpenStandardOutput(), Utf8);
}
