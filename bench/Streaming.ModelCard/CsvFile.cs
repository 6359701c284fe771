using System.Globalization;
using Streaming.Inference;

namespace Streaming.ModelCard;

/// <summary>Reads CSV files.</summary>
internal static class CsvFile
{
    /// <summary>A CSV file's lines by column name; none of its texts has a comma.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Read(string path)
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
}
