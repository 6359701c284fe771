using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary>Options that take one of a few names. The error message for another value states the names.</summary>
internal static class ChoiceOption
{
    /// <summary>Parses a name.</summary>
    public delegate bool Parser<T>(string? name, out T value);

    /// <summary>Creates an option whose value is null if it is not given.</summary>
    /// <param name="name">The name, with its dashes.</param>
    /// <param name="helpName">The name of the value in the help text.</param>
    /// <param name="choices">The allowed values, in words.</param>
    /// <param name="parse">Parses a value.</param>
    /// <param name="note">The rest of the help text.</param>
    public static Option<T?> Create<T>(string name, string helpName, string choices, Parser<T> parse, string note = "")
        where T : struct =>
        new(name)
        {
            Description = $"{choices}.{note}",
            HelpName = helpName,
            CustomParser = result =>
            {
                string text = result.Tokens[^1].Value;
                if (parse(text, out T value))
                    return value;
                result.AddError($"{name} is '{text}' and must be {choices}");
                return null;
            },
        };
}
