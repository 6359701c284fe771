using System.Globalization;
using System.Text;

namespace Streaming.Bench.Paper.Results;

/// <summary>Tables and numbers in Markdown.</summary>
internal static class Markdown
{
    /// <summary>A table; the first column is text, the others are numbers.</summary>
    public static string Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var text = new StringBuilder();
        text.AppendLine(Row(columns)).AppendLine(Row(columns.Select((_, column) => column == 0 ? "---" : "---:")));
        foreach (IReadOnlyList<string> row in rows)
            text.AppendLine(Row(row));
        return text.ToString();
    }

    /// <summary>A number with as many decimals as say something.</summary>
    public static string Number(double value) =>
        value.ToString(
            value < 1 ? "0.000"
                : value < 10 ? "0.00"
                : value < 1000 ? "0.0"
                : "#,0",
            CultureInfo.InvariantCulture
        );

    /// <summary>A number whose thousandth part matters.</summary>
    public static string Precise(double value) => value.ToString("#,0.000", CultureInfo.InvariantCulture);

    /// <summary>A whole number.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>By how much one number is above (+) or below (-) another.</summary>
    public static string Difference(double value, double reference) =>
        (value / reference - 1).ToString("+0.0 %;-0.0 %;0.0 %", CultureInfo.InvariantCulture);

    private static string Row(IEnumerable<string> cells) => "| " + string.Join(" | ", cells) + " |";
}
