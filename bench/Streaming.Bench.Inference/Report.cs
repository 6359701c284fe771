using System.Globalization;
using System.Text;
using ScottPlot;
using Streaming.Inference.Kernels;

namespace Streaming.Bench;

/// <summary>A benchmark's record: a table with what it was measured on, and a plot.</summary>
internal sealed class Report(Setup setup, string name, string title, DType type)
{
    private const int Width = 900,
        Height = 500;

    /// <summary>Writes NAME.md; the plot must be NAME.png and NAME.svg.</summary>
    public void Write(string explanation, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object>> rows, Plot plot)
    {
        Directory.CreateDirectory(setup.Output);
        plot.SavePng(Path.Combine(setup.Output, name + ".png"), Width, Height);
        plot.SaveSvg(Path.Combine(setup.Output, name + ".svg"), Width, Height);

        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {title}").AppendLine();
        text.AppendLine(explanation).AppendLine();
        text.AppendLine(Row(columns)).AppendLine(Row(columns.Select(_ => "---:")));
        foreach (IReadOnlyList<object> row in rows)
            text.AppendLine(Row(row.Select(Cell)));
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"![{title}]({name}.svg)").AppendLine();
        text.AppendLine(Row(["measured", ""])).AppendLine(Row(["---", "---"]));
        text.AppendLine(
            Row([
                "model",
                $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(setup.Model))}, {setup.Layout.Fixed}+{setup.Layout.Window}, {type.ToString().ToLowerInvariant()}, {setup.Threads} thread(s)",
            ])
        );
        text.AppendLine(Row(["machine", Machine.Description]));
        text.AppendLine(Row(["date", DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)]));
        text.AppendLine(Row(["commit", Repository.Commit()]));
        text.AppendLine(Row(["command", $"`dotnet run -c Release --project bench/Streaming.Bench.Inference -- {setup.Arguments}`"]));
        string path = Path.Combine(setup.Output, name + ".md");
        File.WriteAllText(path, text.ToString().ReplaceLineEndings("\n"));
        Console.WriteLine(text);
        Console.WriteLine($"Written to {path}.");
    }

    private static string Row(IEnumerable<string> cells) => "| " + string.Join(" | ", cells) + " |";

    private static string Cell(object value) =>
        value switch
        {
            double number => number.ToString(
                number < 10 ? "0.00"
                    : number < 100 ? "0.0"
                    : "#,0",
                CultureInfo.InvariantCulture
            ),
            IFormattable number => number.ToString("#,0", CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };
}
