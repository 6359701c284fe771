using Streaming.Tooling;

namespace Streaming.ModelCard;

/// <summary>Tables of the card.</summary>
internal static class CardTable
{
    /// <summary>A table with left-aligned columns, numbers with three decimals, and bars in texts escaped.</summary>
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
