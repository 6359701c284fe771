using System.Globalization;
using static Streaming.Bench.Paper.Results.Figures;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>A condition that a run should meet, and whether it did.</summary>
/// <param name="Claim">In words.</param>
/// <param name="Measured">What was measured; null if the run ended before.</param>
/// <param name="Verdict">Whether the condition holds.</param>
internal sealed record Condition(string Claim, string? Measured, string Verdict)
{
    private const string Yes = "yes",
        No = "**no**";

    /// <summary>A condition that the run ended before.</summary>
    public static Condition NotReached(string claim) => new(claim, null, "");

    /// <summary>A condition that holds or does not.</summary>
    public static Condition Of(string claim, string measured, bool holds) => new(claim, measured, holds ? Yes : No);

    /// <summary>The last tenth of a conversation costs the same as its second tenth, within a share.</summary>
    public static Condition Flat(EnduranceScale scale, CostRow[] costs, string what, string unit, Func<CostRow, double> value, double share)
    {
        double[] second = [.. scale.Tenth(costs, row => row.End, 1).Select(value)],
            last = [.. scale.Tenth(costs, row => row.End, 9).Select(value)];
        string claim = $"{what}: the last tenth is within {Percent(share)} of the second";
        if (last.Length < scale.Tokens / 10 / scale.Segment)
            return NotReached(claim);
        double from = second.Average(),
            to = last.Average();
        string verdict =
            to > from * (1 + share) ? No + ", more"
            : to < from * (1 - share) ? No + ", less"
            : Yes;
        return new Condition(claim, $"{Digits(to)} {unit} and {Digits(from)} {unit}, {Markdown.Difference(to, from)}", verdict);
    }

    /// <summary>A table of conditions.</summary>
    public static string Table(params IReadOnlyList<Condition> conditions) =>
        Markdown.Table(
            ["<condition", "measured", "holds"],
            conditions.Select(condition => (string[])[condition.Claim, condition.Measured ?? "the run ended before", condition.Verdict])
        );

    /// <summary>A share as a percentage.</summary>
    public static string Percent(double share) => share.ToString("0.## %", CultureInfo.InvariantCulture);
}
