using Streaming.Tooling;

namespace Streaming.ModelCard;

/// <summary>Tables of the card.</summary>
internal static class CardTable
{
    /// <summary>A table without a line end: columns are left-aligned, numbers have three decimals, bars in texts are escaped.</summary>
    public static string Of(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows) =>
        Markdown
            .Table(
                [.. columns.Select(column => "<" + column)],
                rows.Select(row =>
                    row.Select(cell => cell is string text ? text.Replace("|", "\\|", StringComparison.Ordinal) : cell).ToArray()
                ),
                Markdown.Precise
            )
            .TrimEnd();
}
