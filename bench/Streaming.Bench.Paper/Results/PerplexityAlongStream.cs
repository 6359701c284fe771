using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity along the stream: the paper's figure 5, with the other policies of its figure 3.</summary>
internal sealed class PerplexityAlongStream(Scale scale, int threads) : IPaperResult
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

    public string Render(RunStore store) =>
        $"""
            {string.Join("\n\n", scale.Models.Select(model => Render(store, model)))}

            {Wrap(
                """
                This shows whether the stream is as predictable at its end as at its beginning, as the paper's figure 5 does over four
                million
                tokens. The text itself varies along the book, so compare the lines with each other rather than the points of one line.
                A point of
                `recompute` is the mean of some tens of tokens, so its line is noisy. Dense attention is shown as far as table 1
                measured it, because
                its cost grows with the square of the length.
                """
                + " "
                + Caveats.Sink
            )}
            """;

    private string Render(RunStore store, Model model)
    {
        PerplexityOutput streaming = store.Output<PerplexityOutput>(Along(model, "streaming"));
        PerplexityOutput recompute = store.Output<PerplexityOutput>(Along(model, "recompute", scale.AlongEvery));
        PerplexityOutput sampled = store.Output<PerplexityOutput>(Along(model, "streaming", scale.AlongEvery));
        PerplexityOutput dense = store.Output<PerplexityOutput>(PolicyTable.Whole(scale, threads, model, "dense"));
        using var chart = new Chart("tokens", "ln perplexity");
        Add(LineLook.Green, $"dense, {Count(scale.PolicyTokens)} tokens", dense, scale.PolicySegment);
        Add(LineLook.Orange, $"window 0+{scale.Cache}", store.Output<PerplexityOutput>(Along(model, "window")), scale.AlongSegment);
        Add(LineLook.Red, $"recompute {scale.Cache}, sampled", recompute, scale.AlongSegment);
        Add(LineLook.Blue, $"streaming 4+{scale.Cache - 4}", streaming, scale.AlongSegment);
        // The last segment of the book is shorter and says little.
        double[] whole =
        [
            .. streaming.Segments.Where(segment => segment.Tokens == scale.AlongSegment).Select(segment => segment.Perplexity),
        ];
        return $"""
            {chart.Save(store.Folder, $"figure5-{model.Slug}", $"Perplexity along the stream, {model.Title}")}

            {Wrap(
                $"""
                {model.Heading}, {Count(streaming.Tokens)} tokens; recompute is scored at every {scale.AlongEvery}th token
                ({Count(recompute.Tokens)} of them). Streaming has a perplexity of {Digits(streaming.Perplexity)} over all tokens. In
                segments of
                {Count(scale.AlongSegment)} tokens it is {Digits(whole.Min())} to {Digits(whole.Max())}: {Digits(whole[0])} in the first
                segment and
                {Digits(whole[^1])} in the last. At recompute's positions, streaming has {Digits(sampled.Perplexity)} and recompute
                {Digits(recompute.Perplexity)} ({Difference(sampled.Perplexity, recompute.Perplexity)}).
                """
            )}
            """;

        void Add(LineLook look, string label, PerplexityOutput output, int segment) =>
            chart.AddLine(
                look,
                label,
                output.Segments.Select((_, at) => (at + 0.5) * segment),
                output.Segments.Select(part => Math.Log(part.Perplexity))
            );
    }
}
