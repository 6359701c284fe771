using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Streaming.Cli.Options;

/// <summary>A command whose help ends with an explanation.</summary>
/// <param name="name">The command's name.</param>
/// <param name="description">One sentence, also shown in the list of commands.</param>
/// <param name="explanation">The explanation.</param>
internal sealed class ExplainedCommand(string name, string description, string explanation) : Command(name, description)
{
    public string Explanation { get; } = explanation;
}

/// <summary>Help that ends with a command's explanation.</summary>
internal sealed class ExplainingHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _help = new();

    /// <summary>Help is shown even if other arguments are wrong.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parsed)
    {
        int code = _help.Invoke(parsed);
        if (parsed.CommandResult.Command is ExplainedCommand command)
            parsed.InvocationConfiguration.Output.WriteLine(command.Explanation);
        return code;
    }
}
