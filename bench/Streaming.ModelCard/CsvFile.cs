using System.Globalization;
using Streaming.Inference;

namespace Streaming.ModelCard;

/// <summary>Reads CSV files.</summary>
internal static class CsvFile
{
    /// <summary>A CSV file's rows by column name; its values have no commas.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
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

    /// <summary>The number in a column of a row.</summary>
    public static double Number(this IReadOnlyDictionary<string, string> line, string column) =>
        double.Parse(line[column], CultureInfo.InvariantCulture);
}
