using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Streaming.Cli.Options;

/// <summary>Options that take a number within bounds; a wrong one is refused with a sentence that says the bounds.</summary>
internal static class NumberOption
{
    /// <summary>An option that is null when it is not given.</summary>
    /// <param name="name">Its name, with the dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="least">The least value.</param>
    /// <param name="most">The greatest value, or null for none.</param>
    public static Option<T?> Create<T>(string name, string description, T least, T? most = null)
        where T : struct, INumber<T>, IMinMaxValue<T> =>
        new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = result =>
            {
                string text = result.Tokens[^1].Value;
                bool whole = T.One / (T.One + T.One) == T.Zero;
                if (
                    T.TryParse(text, whole ? NumberStyles.AllowLeadingSign : NumberStyles.Float, CultureInfo.InvariantCulture, out T value)
                    && T.IsFinite(value)
                    && value >= least
                    && value <= (most ?? T.MaxValue)
                )
                {
                    return value;
                }
                string kind = whole ? "a whole number" : "a number";
                string bounds = most is T limit ? $"from {Shown(least)} to {Shown(limit)}" : $"of at least {Shown(least)}";
                result.AddError($"{name} is '{text}' and must be {kind} {bounds}");
                return null;
            },
        };

    private static string Shown<T>(T number)
        where T : INumber<T> => number.ToString("0.######", CultureInfo.InvariantCulture);
}
