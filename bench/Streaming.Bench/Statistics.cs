namespace Streaming.Bench;

/// <summary>Quantiles of measured values.</summary>
public static class Statistics
{
    /// <summary>The middle value, or the higher one of the two in the middle; 0 of none.</summary>
    public static double Median(this IReadOnlyCollection<double> values) =>
        values.Count == 0 ? 0 : values.Order().ElementAt(values.Count / 2);

    /// <summary>The value below which a share of all lies.</summary>
    /// <param name="values">At least one value, in any order.</param>
    /// <param name="share">0 to 1.</param>
    public static double Quantile(this IReadOnlyCollection<double> values, double share) =>
        values.Order().ElementAt(Math.Min(values.Count - 1, (int)(share * values.Count)));
}
