using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Streaming.Cli.Options;

/// <summary>A command that needs more words than its line in the list of commands: its own help ends with them.</summary>
/// <param name="name">Its name.</param>
/// <param name="description">One sentence.</param>
/// <param name="explanation">What else is to be known.</param>
internal sealed class ExplainedCommand(string name, string description, string explanation) : Command(name, description)
{
    public string Explanation { get; } = explanation;
}

/// <summary>Help that ends with a command's explanation.</summary>
internal sealed class ExplainingHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _help = new();

    /// <summary>Help is given whatever else is wrong.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parsed)
    {
        int code = _help.Invoke(parsed);
        if (parsed.CommandResult.Command is ExplainedCommand command)
            parsed.InvocationConfiguration.Output.WriteLine(command.Explanation);
        return code;
    }
}
