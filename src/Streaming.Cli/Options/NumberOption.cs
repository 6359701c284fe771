using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Streaming.Cli.Options;

/// <summary>Options that take a number within bounds. The error message for another value states the bounds.</summary>
internal static class NumberOption
{
    /// <summary>Creates an option whose value is null if it is not given.</summary>
    /// <param name="name">The name, with its dashes.</param>
    /// <param name="description">The help text.</param>
    /// <param name="least">The lowest allowed value.</param>
    /// <param name="most">The highest allowed value; null for no limit.</param>
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
