using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity by policy: the paper's table 1, with the two policies of its figure 3 that the table leaves out.</summary>
internal sealed class PolicyTable(Scale scale, int threads) : IPaperResult
{
    private static readonly string[] Policies = ["dense", "window", "recompute", "streaming"];

    public string Name => "table1";

    public string Title => "Table 1: perplexity by policy";

    public IReadOnlyList<Run> Runs =>
        [
            .. scale.Models.SelectMany(model =>
                Policies.SelectMany(policy =>
                    policy == "recompute" ? [Sampled(model, policy)] : (Run[])[Whole(scale, threads, model, policy), Sampled(model, policy)]
                )
            ),
        ];

    /// <summary>A policy's run over all tokens; figure 5 shows the one of dense attention too.</summary>
    public static Run Whole(Scale scale, int threads, Model model, string policy) =>
        Run.Perplexity(model, policy, scale.Cache, threads, scale.PolicyTokens, scale.PolicySegment);

    private Run Sampled(Model model, string policy) =>
        Run.Perplexity(model, policy, scale.Cache, threads, scale.PolicyTokens, scale.PolicySegment, scale.PolicyEvery);

    public string Render(RunStore store)
    {
        var rows = new List<string[]>();
        var findings = new List<string>();
        foreach (Model model in scale.Models)
        {
            foreach (string policy in Policies)
            {
                PerplexityOutput? whole =
                    policy == "recompute" ? null : store.Output<PerplexityOutput>(Whole(scale, threads, model, policy));
                PerplexityOutput sampled = store.Output<PerplexityOutput>(Sampled(model, policy));
                rows.Add([
                    model.Title,
                    policy,
                    Seen(policy),
                    whole is null ? "not measured" : Digits(whole.Perplexity),
                    Digits(sampled.Perplexity),
                    Digits((whole ?? sampled).MsPerToken),
                ]);
            }
            double streaming = store.Output<PerplexityOutput>(Whole(scale, threads, model, "streaming")).Perplexity;
            double window = store.Output<PerplexityOutput>(Whole(scale, threads, model, "window")).Perplexity;
            double dense = store.Output<PerplexityOutput>(Whole(scale, threads, model, "dense")).Perplexity;
            double recompute = store.Output<PerplexityOutput>(Sampled(model, "recompute")).Perplexity;
            double streamingSampled = store.Output<PerplexityOutput>(Sampled(model, "streaming")).Perplexity;
            findings.Add(
                $"For {model.Title}, window attention has {Digits(window / streaming)} times the perplexity of streaming, and dense "
                    + $"attention {Digits(dense / streaming)} times. At the same positions, streaming differs from recompute by "
                    + $"{Difference(streamingSampled, recompute)}."
            );
        }
        PerplexityOutput any = store.Output<PerplexityOutput>(Sampled(scale.Models[0], "recompute"));
        return $"""
            {Wrap(
                $"""
                The first {Count(scale.PolicyTokens)} tokens of the book. All policies but dense attention see {scale.Cache} tokens.
                `recompute`
                is scored at every {scale.PolicyEvery}th token only ({Count(any.Tokens)} of them); compare it with the column that
                scores the
                others at the same tokens.
                """
            )}

            {Table(
                ["<model", "policy", "sees", "perplexity", $"at each {scale.PolicyEvery}th token", "ms per token, in chunks"],
                rows
            )}
            {Wrap(
                $"""
                {string.Join(" ", findings)} In the paper's table 1, Llama-2-13B on 65 thousand tokens has 5,158.07 with window
                attention (0+1024)
                and 5.40 with streaming (4+1020): a factor of 955.
                """
            )}

            {Wrap(
                $"""
                This does not show how large the effect is in a large model: these models have less than a thousandth of that size and
                were trained
                on contexts of 512 or 1,024 tokens. It is one book, scored once. {Caveats.Sink}
                """
            )}
            """;
    }

    private string Seen(string policy) =>
        policy switch
        {
            "dense" => "everything",
            "window" => $"0+{scale.Cache}",
            "recompute" => $"start token and {scale.Cache - 1}",
            _ => $"4+{scale.Cache - 4}",
        };
}
