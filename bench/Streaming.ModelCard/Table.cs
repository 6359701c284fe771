using System.Globalization;
using System.Text;
using Streaming.Inference;

namespace Streaming.ModelCard;

/// <summary>Reads CSV files and writes Markdown tables.</summary>
internal static class Table
{
    /// <summary>A CSV file's lines by column name; none of its texts has a comma.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Csv(string path)
    {
        try
        {
            string[] lines = File.ReadAllLines(path),
                columns = lines[0].Split(',');
            return [.. lines.Skip(1).Select(line => columns.Zip(line.Split(',')).ToDictionary(p => p.First, p => p.Second))];
        }
        catch (Exception e) when (e is IOException or IndexOutOfRangeException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message.TrimEnd('.')}): name a training's work folder.", e);
        }
    }

    /// <summary>A number of a line.</summary>
    public static double Number(this IReadOnlyDictionary<string, string> line, string column) =>
        double.Parse(line[column], CultureInfo.InvariantCulture);

    /// <summary>A Markdown table; numbers are written as they read best.</summary>
    public static string Markdown(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows)
    {
        var text = new StringBuilder();
        text.AppendLine(Row(columns)).AppendLine(Row(columns.Select(_ => "---")));
        foreach (IReadOnlyList<object> row in rows)
            text.AppendLine(Row(row.Select(Cell)));
        return text.ToString().TrimEnd();
    }

    private static string Row(IEnumerable<string> cells) => "| " + string.Join(" | ", cells) + " |";

    private static string Cell(object value) =>
        value switch
        {
            double number => number.ToString("0.000", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString("#,0", CultureInfo.InvariantCulture),
            _ => (value.ToString() ?? "").Replace("|", "\\|", StringComparison.Ordinal),
        };
}
