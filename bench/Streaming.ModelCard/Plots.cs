using ScottPlot;

namespace Streaming.ModelCard;

/// <summary>The card's plots.</summary>
internal static class Plots
{
    private const int Width = 900,
        Height = 500;
    private const double Million = 1e6;

    /// <summary>The training loss and the held-out loss.</summary>
    public static void Loss(
        string path,
        IReadOnlyList<IReadOnlyDictionary<string, string>> loss,
        IReadOnlyList<IReadOnlyDictionary<string, string>> heldOut
    )
    {
        var plot = new Plot();
        Line(plot, "training", loss, "loss");
        Line(plot, "held out, weighted as the mixture", [.. heldOut.Where(l => l["source"] == "mixture")], "loss");
        plot.Title("Loss along the training");
        plot.YLabel("nats per learnt token");
        Save(plot, path, Alignment.UpperRight);
    }

    /// <summary>The attention on the start token: the mean over each layer's heads.</summary>
    public static void Sink(string path, IReadOnlyList<IReadOnlyDictionary<string, string>> sink)
    {
        var plot = new Plot();
        foreach (IGrouping<string, IReadOnlyDictionary<string, string>> layer in sink.GroupBy(l => l["layer"]))
        {
            (double Tokens, double Share)[] points =
            [
                .. layer.GroupBy(l => l.Number("tokens")).Select(at => (at.Key / Million, 100 * at.Average(l => l.Number("share")))),
            ];
            ScottPlot.Plottables.Scatter line = plot.Add.Scatter(
                points.Select(p => p.Tokens).ToArray(),
                points.Select(p => p.Share).ToArray()
            );
            (line.LegendText, line.MarkerSize) = ($"layer {layer.Key}", 0);
        }
        plot.Title("Attention on the start token");
        plot.YLabel("mean share over a layer's heads, %");
        Save(plot, path, Alignment.UpperLeft);
    }

    private static void Line(Plot plot, string name, IReadOnlyList<IReadOnlyDictionary<string, string>> lines, string column)
    {
        ScottPlot.Plottables.Scatter line = plot.Add.Scatter(
            lines.Select(l => l.Number("tokens") / Million).ToArray(),
            lines.Select(l => l.Number(column)).ToArray()
        );
        (line.LegendText, line.MarkerSize) = (name, 0);
    }

    private static void Save(Plot plot, string path, Alignment legend)
    {
        plot.XLabel("million tokens");
        plot.ShowLegend(legend);
        plot.SaveSvg(path, Width, Height);
    }
}
