using System.Globalization;
using System.Text;

namespace Streaming.Tooling;

/// <summary>Tables and numbers in Markdown.</summary>
public static class Markdown
{
    private const int LineLength = 120;

    /// <summary>A table; it ends with a line break.</summary>
    /// <param name="columns">Heads. A column is aligned to the right, or to the left if its head begins with <c>&lt;</c>.</param>
    /// <param name="rows">Cells: texts, numbers, or null for nothing.</param>
    /// <param name="number">Formats numbers that are not whole; by default <see cref="Number"/>.</param>
    public static string Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows, Func<double, string>? number = null)
    {
        var text = new StringBuilder();
        Row(text, columns.Select(column => column.TrimStart('<')));
        Row(text, columns.Select(column => column.StartsWith('<') ? "---" : "---:"));
        foreach (IReadOnlyList<object?> row in rows)
            Row(text, row.Select(cell => Cell(cell, number ?? Number)));
        return text.ToString();
    }

    /// <summary>Prose in lines of at most 120 characters, if its words allow.</summary>
    public static string Wrap(string prose)
    {
        var text = new StringBuilder();
        int length = 0;
        foreach (string word in prose.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            bool fits = length == 0 || length + 1 + word.Length <= LineLength;
            text.Append(
                    length == 0 ? ""
                    : fits ? " "
                    : "\n"
                )
                .Append(word);
            length = fits ? length + (length == 0 ? 0 : 1) + word.Length : word.Length;
        }
        return text.ToString();
    }

    /// <summary>A number with three digits or so.</summary>
    public static string Number(double value) =>
        value.ToString(
            Math.Abs(value) < 10 ? "0.00"
                : Math.Abs(value) < 100 ? "0.0"
                : "#,0",
            CultureInfo.InvariantCulture
        );

    /// <summary>A number with three decimals.</summary>
    public static string Precise(double value) => value.ToString("#,0.000", CultureInfo.InvariantCulture);

    /// <summary>A whole number with separators of thousands.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A share as a percentage.</summary>
    public static string Percent(double share) => (100 * share).ToString("0", CultureInfo.InvariantCulture) + " %";

    /// <summary>By how much one number is above (+) or below (-) another.</summary>
    public static string Difference(double value, double reference) =>
        (value / reference - 1).ToString("+0.0 %;-0.0 %;0.0 %", CultureInfo.InvariantCulture);

    private static string Cell(object? value, Func<double, string> number) =>
        value switch
        {
            null => "",
            double real => number(real),
            IFormattable whole => whole.ToString("#,0", CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    private static void Row(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
