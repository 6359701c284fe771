using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Results;

/// <summary>Perplexity by cache size with four sinks: the paper's table 6.</summary>
internal sealed class CacheSizeTable(Scale scale, int threads) : IPaperResult
{
    private const int Sinks = 4;

    public string Name => "table6";

    public string Title => "Table 6: cache sizes";

    public IReadOnlyList<Run> Runs => [.. scale.Models.SelectMany(model => scale.Caches.Select(cache => Of(model, cache)))];

    private Run Of(Model model, int cache) => Run.Perplexity(model, "streaming", cache, threads, scale.TableTokens, scale.TableTokens);

    public string Render(RunStore store)
    {
        double Perplexity(Model model, int cache) => store.Output<PerplexityOutput>(Of(model, cache)).Perplexity;
        IEnumerable<string> findings = scale.Models.Select(model =>
        {
            int best = scale.Caches.MinBy(cache => Perplexity(model, cache));
            string Change(int cache) => Difference(Perplexity(model, best), Perplexity(model, cache));
            return $"For {model.Title}, the perplexity is lowest with {best} places: {Change(scale.Caches[0])} compared with "
                + $"{scale.Caches[0]} places and {Change(scale.Caches[^1])} compared with {scale.Caches[^1]}.";
        });
        return $"""
            The first {Count(scale.TableTokens)} tokens of the book; {Sinks} sinks, the rest are recent tokens.

            {Table(
                ["<model", .. scale.Caches.Select(cache => $"{Sinks}+{cache - Sinks}")],
                scale.Models.Select(model => (string[])[model.Title, .. scale.Caches.Select(cache => Digits(Perplexity(model, cache)))])
            )}
            {Wrap(
                $"""
                {string.Join(" ", findings)} The paper found that a larger cache does not always lower the perplexity: models do not use
                all of the
                context that they are given.
                """
            )}

            {Wrap(
                """
                No cache here is larger than the context that the models were trained on. Models this small have little use for distant
                tokens,
                whatever the cache.
                """
            )}
            """;
    }
}
