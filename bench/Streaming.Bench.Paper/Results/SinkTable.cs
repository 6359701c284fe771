using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity by the number of sinks at one cache size: the paper's table 2.</summary>
internal sealed class SinkTable(Scale scale, int threads) : IPaperResult
{
    public string Name => "table2";

    public string Title => "Table 2: how many sinks";

    public IReadOnlyList<Run> Runs => [.. scale.Models.SelectMany(model => scale.Sinks.Select(sinks => Of(model, sinks)))];

    private Run Of(Model model, int sinks) =>
        Run.Perplexity(model, "streaming", scale.Cache, threads, scale.TableTokens, scale.TableTokens, sinks: sinks);

    public string Render(RunStore store)
    {
        double Perplexity(Model model, int sinks) => store.Output<PerplexityOutput>(Of(model, sinks)).Perplexity;
        int[] some = [.. scale.Sinks.Where(sinks => sinks > 0)];
        string shows = string.Join(
            " ",
            scale.Models.Select(model =>
            {
                double first = Perplexity(model, some[0]);
                return $"On {model.Title}, no sinks at all cost {Difference(Perplexity(model, 0), first)} against {some[0]}, and more of them than {some[0]} change it by {Difference(some.Min(sinks => Perplexity(model, sinks)), first)} at best and {Difference(some.Max(sinks => Perplexity(model, sinks)), first)} at worst.";
            })
        );
        return $"""
            The first {Count(
                scale.TableTokens
            )} tokens of the book, always {scale.Cache} places: S sinks and {scale.Cache} - S recent tokens.

            {Table(
                ["model", .. scale.Sinks.Select(sinks => $"{sinks}+{scale.Cache - sinks}")],
                scale.Models.Select(model => (string[])[model.Title, .. scale.Sinks.Select(sinks => Number(Perplexity(model, sinks)))])
            )}
            {shows} In the paper's models, which were trained without a start token in every sample, four are needed: Llama-2-7B has 3,359.95 with 0+4096, 11.88 with 1+4095 and 9.59 with 4+4092.

            It does not show how many sinks another model needs: these two always begin with a start token, so that the first place is the same in every text. {Caveats.Sink}

            """;
    }
}
