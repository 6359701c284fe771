using System.CommandLine;
using System.Globalization;

namespace Streaming.Cli.Options;

/// <summary>Options that take one whole number or several; each gives a measurement of its own.</summary>
internal static class NumbersOption
{
    /// <summary>An option that is empty when it is not given.</summary>
    /// <param name="name">Its name, with the dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="most">The greatest value; the least is 1.</param>
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
