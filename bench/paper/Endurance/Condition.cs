using System.Globalization;
using Streaming.Paper.Results;

namespace Streaming.Paper.Endurance;

/// <summary>Something that was to hold, and whether it did.</summary>
/// <param name="Claim">In words.</param>
/// <param name="Measured">What was measured; null when the run did not come to it.</param>
/// <param name="Holds">Whether that fulfils it.</param>
internal sealed record Condition(string Claim, string? Measured, bool Holds)
{
    /// <summary>The last tenth of a conversation costs what its second does, within a share.</summary>
    public static Condition Flat(EnduranceScale scale, CostRow[] costs, string what, string unit, Func<CostRow, double> value, double share)
    {
        double[] second = [.. scale.Tenth(costs, row => row.End, 1).Select(value)], last = [.. scale.Tenth(costs, row => row.End, 9).Select(value)];
        string claim = $"{what}: the last tenth is within {Percent(share)} of the second";
        if (last.Length < scale.Tokens / 10 / scale.Segment)
            return new Condition(claim, null, false);
        double from = second.Average(), to = last.Average();
        return new Condition(claim, $"{Markdown.Number(to)} {unit} and {Markdown.Number(from)} {unit}, {Markdown.Difference(to, from)}", Math.Abs(to / from - 1) <= share);
    }

    /// <summary>A table of them.</summary>
    public static string Table(params IReadOnlyList<Condition> conditions) => Markdown.Table(
        ["what was to hold", "measured", "holds"],
        conditions.Select(condition => (string[])[condition.Claim, condition.Measured ?? "the run did not come so far", condition.Measured is null ? "" : condition.Holds ? "yes" : "**no**"]));

    /// <summary>A share in per cent.</summary>
    public static string Percent(double share) => share.ToString("0.## %", CultureInfo.InvariantCulture);
}
