using System.Globalization;
using ScottPlot;

namespace Streaming.Bench.Paper.Results;

/// <summary>
/// A line chart as PNG and SVG that can be read on a light page and on a dark one: no background, axes in middle grey, lines in
/// colours of middle brightness that people with colour blindness tell apart (Okabe and Ito 2008), each with a marker of its own.
/// </summary>
internal sealed class Chart
{
    private const int Width = 1000,
        Height = 500;
    private static readonly Color Ink = Color.FromHex("#808890");

    private static readonly Dictionary<string, (string Color, MarkerShape Marker)> Looks = new(StringComparer.Ordinal)
    {
        ["dense"] = ("#009E73", MarkerShape.FilledTriangleUp),
        ["window"] = ("#E69F00", MarkerShape.FilledSquare),
        ["recompute"] = ("#D55E00", MarkerShape.FilledDiamond),
        ["streaming"] = ("#2F8FCE", MarkerShape.FilledCircle),
        ["median"] = ("#2F8FCE", MarkerShape.FilledCircle),
        ["p99"] = ("#E69F00", MarkerShape.FilledSquare),
        ["memory"] = ("#009E73", MarkerShape.FilledTriangleUp),
        ["log"] = ("#D55E00", MarkerShape.FilledDiamond),
    };

    private readonly Plot _plot = new();

    public Chart(string xLabel, string yLabel)
    {
        _plot.FigureBackground.Color = Colors.Transparent;
        _plot.DataBackground.Color = Colors.Transparent;
        _plot.Axes.Color(Ink);
        _plot.Grid.MajorLineColor = Ink.WithAlpha(0.25);
        _plot.Legend.BackgroundColor = Colors.Transparent;
        _plot.Legend.FontColor = Ink;
        _plot.Legend.OutlineColor = Ink.WithAlpha(0.4);
        _plot.Legend.ShadowColor = Colors.Transparent;
        _plot.XLabel(xLabel);
        _plot.YLabel(yLabel);
    }

    /// <summary>Adds a line with the look of a policy or of another quantity.</summary>
    public void Add(string look, string label, IEnumerable<double> xs, IEnumerable<double> ys)
    {
        (string color, MarkerShape marker) = Looks[look];
        var line = _plot.Add.Scatter(xs.ToArray(), ys.ToArray());
        line.Color = Color.FromHex(color);
        line.LineWidth = 2;
        line.MarkerShape = marker;
        line.MarkerSize = 7;
        line.LegendText = label;
    }

    /// <summary>Labels places of the horizontal axis.</summary>
    public void TicksX(IEnumerable<(double At, string Label)> ticks) =>
        _plot.Axes.Bottom.SetTicks([.. ticks.Select(tick => tick.At)], [.. ticks.Select(tick => tick.Label)]);

    /// <summary>The vertical axis holds base-10 logarithms of values: labels powers of ten among them.</summary>
    public void TicksYByPowersOfTen(IEnumerable<double> logarithms)
    {
        int from = (int)Math.Floor(logarithms.Min()),
            to = (int)Math.Ceiling(logarithms.Max());
        int[] powers = [.. Enumerable.Range(from, to - from + 1)];
        _plot.Axes.Left.SetTicks(
            [.. powers.Select(power => (double)power)],
            [.. powers.Select(power => Math.Pow(10, power).ToString("#,0.####", CultureInfo.InvariantCulture))]
        );
        _plot.Axes.SetLimitsY(from - 0.05, to + 0.05);
    }

    /// <summary>The vertical axis begins at 0.</summary>
    public void FromZero(double most) => _plot.Axes.SetLimitsY(0, 1.15 * most);

    /// <summary>Writes NAME.png and NAME.svg; the Markdown that shows them.</summary>
    public string Save(string folder, string name, string title)
    {
        _plot.ShowLegend(Edge.Right);
        _plot.SavePng(Path.Combine(folder, name + ".png"), Width, Height);
        _plot.SaveSvg(Path.Combine(folder, name + ".svg"), Width, Height);
        return $"![{title}]({name}.svg)";
    }
}
