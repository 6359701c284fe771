using ScottPlot;
using Streaming.Inference.Batching;
using Streaming.Inference.Kernels;

namespace Streaming.Bench;

/// <summary>How many tokens per second a device decodes in all, by the number of conversations that share its steps.</summary>
internal static class BatchBenchmark
{
    private const int Rounds = 3;
    private static readonly int[] Conversations = [1, 2, 4, 8, 16];

    public static async Task RunAsync(Setup setup, int tokens, CancellationToken cancellation)
    {
        (IDecodeDevice device, DType type) = setup.Load(Conversations.Max());
        await using IDecodeDevice owned = device;
        int[] text = setup.SomeText();
        await DecodeRate.MeasureAsync(device, setup, text, 1, tokens, cancellation); // warms up
        var results = new List<(int Conversations, double Median, double Best)>();
        foreach (int conversations in Conversations)
        {
            var rates = new double[Rounds];
            for (int round = 0; round < Rounds; round++)
                rates[round] = await DecodeRate.MeasureAsync(device, setup, text, conversations, tokens, cancellation);
            Array.Sort(rates);
            results.Add((conversations, rates[Rounds / 2], rates[^1]));
            Console.Error.WriteLine($"{conversations} conversations: {rates[Rounds / 2]:0} tokens/s in all");
        }

        var plot = new Plot();
        Scatter(plot, "median", results.Select(result => result.Median));
        Scatter(plot, "in proportion", results.Select(result => results[0].Median * result.Conversations));
        plot.XLabel("conversations");
        plot.YLabel("tokens per second in all");
        plot.ShowLegend(Alignment.UpperLeft);
        plot.Axes.SetLimitsY(0, 1.2 * results.Max(result => result.Best));
        new Report(setup, "batch", "Tokens per second by the number of conversations", type).Write(
            $"Every cache is full. Median and best of {Rounds} rounds of {tokens} tokens a conversation, sampling and text included.",
            ["conversations", "tokens/s in all", "best", "tokens/s each", "ms per step"],
            results.Select(result =>
                (object[])
                    [
                        result.Conversations,
                        result.Median,
                        result.Best,
                        result.Median / result.Conversations,
                        1000 * result.Conversations / result.Median,
                    ]
            ),
            plot
        );

        void Scatter(Plot into, string legend, IEnumerable<double> rates) =>
            into.Add.Scatter(Conversations.Select(n => (double)n).ToArray(), rates.ToArray()).LegendText = legend;
    }
}
