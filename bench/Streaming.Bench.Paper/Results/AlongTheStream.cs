using System.Text;
using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity along the stream: the paper's figure 5, with the other policies of its figure 3 beside.</summary>
internal sealed class AlongTheStream(Scale scale, int threads) : IPaperResult
{
    public string Name => "figure5";

    public string Title => "Figure 5: perplexity along the stream";

    public IReadOnlyList<Run> Runs =>
        [
            .. scale.Models.SelectMany(model =>
                (Run[])
                    [
                        PolicyTable.Whole(scale, threads, model, "dense"),
                        Along(model, "window"),
                        Along(model, "recompute", scale.AlongEvery),
                        Along(model, "streaming"),
                        Along(model, "streaming", scale.AlongEvery),
                    ]
            ),
        ];

    private Run Along(Model model, string policy, int every = 1) =>
        Run.Perplexity(model, policy, scale.Cache, threads, scale.AlongTokens, scale.AlongSegment, every);

    public string Render(RunStore store)
    {
        var text = new StringBuilder();
        foreach (Model model in scale.Models)
        {
            PerplexityOutput streaming = store.Output<PerplexityOutput>(Along(model, "streaming"));
            PerplexityOutput recompute = store.Output<PerplexityOutput>(Along(model, "recompute", scale.AlongEvery));
            PerplexityOutput sampled = store.Output<PerplexityOutput>(Along(model, "streaming", scale.AlongEvery));
            var chart = new Chart("tokens", "ln perplexity");
            Add(
                "dense",
                $"dense, {Count(scale.PolicyTokens)} tokens",
                store.Output<PerplexityOutput>(PolicyTable.Whole(scale, threads, model, "dense")),
                scale.PolicySegment
            );
            Add("window", $"window 0+{scale.Cache}", store.Output<PerplexityOutput>(Along(model, "window")), scale.AlongSegment);
            Add("recompute", $"recompute {scale.Cache}, sampled", recompute, scale.AlongSegment);
            Add("streaming", $"streaming 4+{scale.Cache - 4}", streaming, scale.AlongSegment);
            // The book's last segment is a piece, and what it holds says little.
            double[] whole =
            [
                .. streaming.Segments.Where(segment => segment.Tokens == scale.AlongSegment).Select(segment => segment.Perplexity),
            ];
            text.AppendLine(chart.Save(store.Folder, $"figure5-{model.Slug}", $"Perplexity along the stream, {model.Title}"))
                .AppendLine()
                .AppendLine(
                    $"{model.Heading}, {Count(streaming.Tokens)} tokens; recompute is sampled at fixed positions, each {scale.AlongEvery}th token ({Count(recompute.Tokens)} of them). Streaming's perplexity is {Number(streaming.Perplexity)} over all; by {Count(scale.AlongSegment)} tokens from {Number(whole.Min())} to {Number(whole.Max())}, {Number(whole[0])} in the first and {Number(whole[^1])} in the last. At recompute's positions streaming has {Number(sampled.Perplexity)} and recompute {Number(recompute.Perplexity)} ({Difference(sampled.Perplexity, recompute.Perplexity)})."
                )
                .AppendLine();

            void Add(string policy, string label, PerplexityOutput output, int segment) =>
                chart.Add(
                    policy,
                    label,
                    output.Segments.Select((_, at) => (at + 0.5) * segment),
                    output.Segments.Select(part => Math.Log(part.Perplexity))
                );
        }
        return $"""
            {text.ToString().TrimEnd()}

            It shows whether the stream stays as predictable at its end as at its beginning, as the paper's figure 5 does over four million tokens. It does not separate the text's own ups and downs from the cache's: compare the lines, not one line's points. A point of `recompute` is a mean over some tens of tokens only, so that line is ragged. Dense attention is shown as far as table 1 measured it: its cost grows with the square of the length. {Caveats.Sink}

            """;
    }
}
