using System.Text;
using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Markdown;

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

    /// <summary>A policy's run over all tokens; figure 5 shows dense attention's too.</summary>
    public static Run Whole(Scale scale, int threads, Model model, string policy) =>
        Run.Perplexity(model, policy, scale.Cache, threads, scale.PolicyTokens, scale.PolicySegment);

    private Run Sampled(Model model, string policy) =>
        Run.Perplexity(model, policy, scale.Cache, threads, scale.PolicyTokens, scale.PolicySegment, scale.PolicyEvery);

    public string Render(RunStore store)
    {
        var rows = new List<string[]>();
        var shows = new StringBuilder();
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
                    whole is null ? "not measured" : Number(whole.Perplexity),
                    Number(sampled.Perplexity),
                    Number((whole ?? sampled).MsPerToken),
                ]);
            }
            double streaming = store.Output<PerplexityOutput>(Whole(scale, threads, model, "streaming")).Perplexity;
            double window = store.Output<PerplexityOutput>(Whole(scale, threads, model, "window")).Perplexity;
            double dense = store.Output<PerplexityOutput>(Whole(scale, threads, model, "dense")).Perplexity;
            double recompute = store.Output<PerplexityOutput>(Sampled(model, "recompute")).Perplexity;
            double streamingSampled = store.Output<PerplexityOutput>(Sampled(model, "streaming")).Perplexity;
            shows
                .Append(
                    $"On {model.Title}, window attention's perplexity is {Number(window / streaming)} times streaming's, and dense attention's {Number(dense / streaming)} times; "
                )
                .Append($"streaming is {Difference(streamingSampled, recompute)} from recompute at the same positions. ");
        }
        PerplexityOutput any = store.Output<PerplexityOutput>(Sampled(scale.Models[0], "recompute"));
        return $"""
            The first {Count(
                scale.PolicyTokens
            )} tokens of the book, {scale.Cache} tokens seen by all but dense attention. `recompute` is sampled at fixed positions, each {scale.PolicyEvery}th token
            ({Count(any.Tokens)} of them), and so are the others in the column beside: compare it there.

            {Table(["model", "policy", "sees", "perplexity", $"at each {scale.PolicyEvery}th token", "ms per token, in chunks"], rows)}
            {shows}The paper's table 1 has, for Llama-2-13B on 65 thousand tokens, 5,158.07 for window attention (0+1024) and 5.40 for streaming (4+1020): a factor of 955.

            It does not show how large the effect is in a large model: these have some thousandths of its size, and a context of 512 tokens. One book, one pass. {Caveats.Sink}

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

/// <summary>What must be said wherever it matters.</summary>
internal static class Caveats
{
    public const string Sink =
        "The embedded model's start token was *trained* to be a sink by a small extra loss (its [card](../../models/README.md)): that evicting it hurts there is a property made, not one that emerged.";
}
