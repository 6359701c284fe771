using System.Globalization;
using ScottPlot;
using Streaming.Bench.Peers.Records;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>Tokens per second of a shape by the number of conversations, a bar for each contestant.</summary>
internal static class ResultsPlot
{
    private const int Width = 900,
        Height = 500;

    /// <summary>Writes PNG and SVG.</summary>
    /// <returns>Their name without the ending.</returns>
    public static string Write(Summary summary, string shape, string folder)
    {
        IReadOnlyList<string> contestants = summary.Contestants(Kinds.Decode, shape);
        IReadOnlyList<int> loads = summary.Loads(Kinds.Decode, shape);
        var plot = new Plot();
        double highest = 0;
        for (int c = 0; c < contestants.Count; c++)
        {
            var bars = new List<Bar>();
            for (int l = 0; l < loads.Count; l++)
            {
                if (summary.Best(Kinds.Decode, shape, loads[l], contestants[c])?.Rate(loads[l]) is not { } rate)
                    continue;
                highest = Math.Max(highest, rate);
                bars.Add(
                    new Bar
                    {
                        Position = l * (contestants.Count + 1) + c,
                        Value = rate,
                        FillColor = plot.Add.Palette.GetColor(c),
                        Label = Markdown.Number(rate),
                    }
                );
            }
            plot.Add.Bars(bars).LegendText = contestants[c];
        }
        double middle = (contestants.Count - 1) / 2.0;
        plot.Axes.Bottom.SetTicks(
            [.. loads.Select((_, l) => l * (contestants.Count + 1) + middle)],
            [.. loads.Select(load => load.ToString(CultureInfo.InvariantCulture))]
        );
        plot.XLabel("conversations");
        plot.YLabel("tokens per second in all");
        plot.Title(shape);
        plot.Axes.SetLimitsY(0, 1.25 * highest);
        plot.ShowLegend(Alignment.UpperLeft);
        string name = "decode-" + shape;
        plot.SavePng(Path.Combine(folder, name + ".png"), Width, Height);
        plot.SaveSvg(Path.Combine(folder, name + ".svg"), Width, Height);
        return name;
    }
}
