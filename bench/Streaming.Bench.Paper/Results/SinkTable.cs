using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity by the number of sinks, for one cache size: the paper's table 2.</summary>
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
        IEnumerable<string> findings = scale.Models.Select(model =>
        {
            string Change(double perplexity) => Difference(perplexity, Perplexity(model, some[0]));
            double[] all = [.. some.Select(sinks => Perplexity(model, sinks))];
            return $"For {model.Title}, no sinks change the perplexity by {Change(Perplexity(model, 0))} compared with {some[0]}; more "
                + $"than {some[0]} change it by {Change(all.Min())} at best and {Change(all.Max())} at worst.";
        });
        return $"""
            {Wrap(
                $"The first {Count(scale.TableTokens)} tokens of the book; S sinks and {scale.Cache} - S recent tokens."
            )}

            {Table(
                ["<model", .. scale.Sinks.Select(sinks => $"{sinks}+{scale.Cache - sinks}")],
                scale.Models.Select(model => (string[])[model.Title, .. scale.Sinks.Select(sinks => Digits(Perplexity(model, sinks)))])
            )}
            {Wrap(
                $"""
                {string.Join(" ", findings)} The paper's models, which were trained without a start token in every sample, need four:
                Llama-2-7B has
                3,359.95 with 0+4096, 11.88 with 1+4095 and 9.59 with 4+4092.
                """
            )}

            {Wrap(
                $"""
                This does not show how many sinks another model needs: these two always see a start token first, so the first position
                is the same
                in every text. {Caveats.Sink}
                """
            )}
            """;
    }
}
