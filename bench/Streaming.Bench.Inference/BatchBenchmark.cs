using Streaming.Inference.Batching;
using Streaming.Inference.Kernels;
using Streaming.Tooling;

namespace Streaming.Bench.Inference;

/// <summary>Tokens per second of a device, by the number of conversations that share its steps.</summary>
internal sealed class BatchBenchmark(DecodeSetup setup, EnginePage page)
{
    private const int Rounds = 3;
    private static readonly int[] Conversations = [1, 2, 4, 8, 16];

    public async Task RunAsync(int tokens, CancellationToken cancellation)
    {
        (IDecodeDevice device, DType type) = setup.Load(Conversations.Max());
        await using IDecodeDevice owned = device;
        int[] ids = setup.RandomTokens();
        await DecodeRate.MeasureAsync(device, setup, ids, 1, tokens, cancellation); // warms up
        var results = new List<(int Conversations, double Median, double Best)>();
        foreach (int conversations in Conversations)
        {
            double[] rates = new double[Rounds];
            for (int round = 0; round < Rounds; round++)
                rates[round] = await DecodeRate.MeasureAsync(device, setup, ids, conversations, tokens, cancellation);
            results.Add((conversations, rates.Median(), rates.Max()));
            Console.Error.WriteLine($"{conversations} conversations: {rates.Median():0} tokens/s in all");
        }

        const string title = "Tokens per second by the number of conversations";
        double[] counts = [.. results.Select(result => (double)result.Conversations)];
        using var chart = new Chart("conversations", "tokens per second in all");
        chart.AddLine(LineLook.Blue, "median", counts, results.Select(result => result.Median));
        chart.AddLine(LineLook.Orange, "in proportion", counts, counts.Select(count => results[0].Median * count));
        chart.BeginAtZero(results.Max(result => result.Best));
        Directory.CreateDirectory(page.Folder);
        string table = Markdown.Table(
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
            )
        );
        page.Write(
            "batch",
            title,
            $"""
            Every cache is full. Median and best of {Rounds} rounds of {tokens} tokens per conversation, with sampling and conversion to
            text.

            {table}
            {chart.Save(page.Folder, "batch", title)}
            """,
            setup,
            type
        );
    }
}
