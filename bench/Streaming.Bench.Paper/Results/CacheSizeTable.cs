using Streaming.Bench.Paper.Runs;
using static Streaming.Bench.Paper.Results.Markdown;

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
        string shows = string.Join(
            " ",
            scale.Models.Select(model =>
            {
                int best = scale.Caches.MinBy(cache => Perplexity(model, cache));
                return $"On {model.Title} the lowest is at {best} places, {Difference(Perplexity(model, best), Perplexity(model, scale.Caches[0]))} against {scale.Caches[0]} places and {Difference(Perplexity(model, best), Perplexity(model, scale.Caches[^1]))} against {scale.Caches[^1]}.";
            })
        );
        return $"""
            The first {Count(scale.TableTokens)} tokens of the book; {Sinks} sinks and the rest recent tokens.

            {Table(
                ["model", .. scale.Caches.Select(cache => $"{Sinks}+{cache - Sinks}")],
                scale.Models.Select(model => (string[])[model.Title, .. scale.Caches.Select(cache => Number(Perplexity(model, cache)))])
            )}
            {shows} The paper's finding is that a larger cache does not always lower the perplexity: models do not use all of the context that they are given.

            It does not go beyond the context of 512 tokens that both models were trained on. A model this small has little use for what is far away, whatever the cache.

            """;
    }
}
