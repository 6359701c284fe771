using System.Globalization;
using System.Text;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>A page of tables.</summary>
internal sealed class Markdown
{
    private readonly StringBuilder _text = new();

    public Markdown Paragraph(string text)
    {
        _text.Append(text).Append("\n\n");
        return this;
    }

    /// <param name="columns">Heads; those that begin with &lt; stand to the left.</param>
    /// <param name="rows">Texts as they are, numbers with three digits or so.</param>
    public Markdown Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        Row(columns.Select(column => column.TrimStart('<')));
        Row(columns.Select(column => column.StartsWith('<') ? "---" : "---:"));
        foreach (IReadOnlyList<object?> row in rows)
            Row(row.Select(Cell));
        _text.Append('\n');
        return this;
    }

    public override string ToString() => _text.ToString().ReplaceLineEndings("\n").TrimEnd('\n') + "\n";

    /// <summary>A number with three digits or so.</summary>
    public static string Number(double number) =>
        number.ToString(
            Math.Abs(number) < 10 ? "0.00"
                : Math.Abs(number) < 100 ? "0.0"
                : "#,0",
            CultureInfo.InvariantCulture
        );

    /// <summary>A share as a percentage.</summary>
    public static string Percent(double? share) =>
        share is { } known ? $"{(100 * known).ToString("0", CultureInfo.InvariantCulture)} %" : "";

    private static string Cell(object? value) =>
        value switch
        {
            null => "",
            double number => Number(number),
            IFormattable number => number.ToString("#,0", CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    private void Row(IEnumerable<string> cells) => _text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
