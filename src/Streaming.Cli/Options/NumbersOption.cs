using System.CommandLine;
using System.Globalization;

namespace Streaming.Cli.Options;

/// <summary>Options that take one or more whole numbers.</summary>
internal static class NumbersOption
{
    /// <summary>Creates an option whose value is empty if it is not given.</summary>
    /// <param name="name">The name, with its dashes.</param>
    /// <param name="description">The help text.</param>
    /// <param name="most">The highest allowed value; the lowest is 1.</param>
    public static Option<int[]> Create(string name, string description, int most = int.MaxValue) =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
            CustomParser = result =>
            {
                var numbers = new List<int>();
                foreach (string text in result.Tokens.Select(token => token.Value))
                {
                    if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < 1 || number > most)
                    {
                        result.AddError($"{name} is '{text}' and must be a whole number from 1 to {most}");
                        return [];
                    }
                    numbers.Add(number);
                }
                return [.. numbers];
            },
        };
}
