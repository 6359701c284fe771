using System.Globalization;

namespace Streaming.Bench.Paper.Results;

/// <summary>How numbers of the results are written.</summary>
internal static class Figures
{
    /// <summary>A number with three or four digits.</summary>
    public static string Digits(double value) =>
        value.ToString(
            value < 1 ? "0.000"
                : value < 10 ? "0.00"
                : value < 1000 ? "0.0"
                : "#,0",
            CultureInfo.InvariantCulture
        );

    /// <summary>A number of things.</summary>
    public static string Plural(int count, string noun) => count == 1 ? $"1 {noun}" : $"{Markdown.Count(count)} {noun}s";
}

/// <summary>What several results must state.</summary>
internal static class Caveats
{
    /// <summary>That the embedded model's sink was trained.</summary>
    public const string Sink =
        "The embedded model's start token was *trained* to be a sink by a small extra loss (see [its card](../../models/README.md)): "
        + "that evicting it hurts this model is a property of that training, not one that emerged.";
}
