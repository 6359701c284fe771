using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;

namespace Streaming.Bench;

/// <summary>Colour and marker of a line. People with colour blindness can tell them apart (Okabe and Ito 2008).</summary>
public enum LineLook
{
    /// <summary>Blue circles: streaming, or the main quantity.</summary>
    Blue,

    /// <summary>Orange squares: window attention, or a second quantity.</summary>
    Orange,

    /// <summary>Green triangles: dense attention, or memory.</summary>
    Green,

    /// <summary>Red diamonds: recomputation, or a quantity on disk.</summary>
    Red,
}

/// <summary>A chart as PNG and SVG that is readable on light and dark pages: it has no background, and its axes are grey.</summary>
public sealed class Chart : IDisposable
{
    private const int Width = 1000,
        Height = 500;
    private static readonly Color Ink = Color.FromHex("#808890");

    private static readonly (string Color, MarkerShape Marker)[] Looks =
    [
        ("#2F8FCE", MarkerShape.FilledCircle),
        ("#E69F00", MarkerShape.FilledSquare),
        ("#009E73", MarkerShape.FilledTriangleUp),
        ("#D55E00", MarkerShape.FilledDiamond),
    ];

    private readonly Plot _plot = new();

    /// <summary>An empty chart.</summary>
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

    /// <summary>Adds a line.</summary>
    public void AddLine(LineLook look, string label, IEnumerable<double> xs, IEnumerable<double> ys)
    {
        (string color, MarkerShape marker) = Looks[(int)look];
        Scatter line = _plot.Add.Scatter(xs.ToArray(), ys.ToArray());
        line.Color = Color.FromHex(color);
        line.LineWidth = 2;
        line.MarkerShape = marker;
        line.MarkerSize = 7;
        line.LegendText = label;
    }

    /// <summary>Shows groups of bars, one group for each tick of the horizontal axis; the vertical axis begins at 0.</summary>
    /// <param name="ticks">Labels of the groups.</param>
    /// <param name="series">In each series a value for each group, null for no bar.</param>
    public void ShowBars(IReadOnlyList<string> ticks, IReadOnlyList<(string Label, IReadOnlyList<double?> Values)> series)
    {
        int width = series.Count + 1;
        for (int s = 0; s < series.Count; s++)
        {
            var color = Color.FromHex(Looks[s % Looks.Length].Color);
            var bars = new List<Bar>();
            for (int group = 0; group < ticks.Count; group++)
            {
                if (series[s].Values[group] is { } value)
                    bars.Add(
                        new Bar
                        {
                            Position = group * width + s,
                            Value = value,
                            FillColor = color,
                            Label = Tooling.Markdown.Number(value),
                        }
                    );
            }
            BarPlot added = _plot.Add.Bars(bars);
            added.LegendText = series[s].Label;
            added.ValueLabelStyle.ForeColor = Ink;
        }
        ShowTicks(ticks.Select((label, group) => (group * width + (series.Count - 1) / 2.0, label)));
        BeginAtZero(series.SelectMany(s => s.Values).Max() ?? 0);
    }

    /// <summary>Labels places of the horizontal axis.</summary>
    public void ShowTicks(IEnumerable<(double At, string Label)> ticks) =>
        _plot.Axes.Bottom.SetTicks([.. ticks.Select(tick => tick.At)], [.. ticks.Select(tick => tick.Label)]);

    /// <summary>Labels the vertical axis with powers of ten: what it shows are base-10 logarithms.</summary>
    public void ShowPowersOfTen(IEnumerable<double> logarithms)
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

    /// <summary>Lets the vertical axis begin at 0 and reach beyond the largest value.</summary>
    public void BeginAtZero(double largest) => _plot.Axes.SetLimitsY(0, 1.15 * largest);

    /// <summary>Writes NAME.png and NAME.svg; returns the Markdown that shows the chart.</summary>
    public string Save(string folder, string name, string title)
    {
        _plot.ShowLegend(Edge.Right);
        _plot.SavePng(Path.Combine(folder, name + ".png"), Width, Height);
        _plot.SaveSvg(Path.Combine(folder, name + ".svg"), Width, Height);
        return $"![{title}]({name}.svg)";
    }

    /// <inheritdoc/>
    public void Dispose() => _plot.Dispose();
}
