using Streaming.Bench.Paper.Runs;

namespace Streaming.Bench.Paper.Results;

/// <summary>A table or figure of the paper.</summary>
internal interface IPaperResult
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>Its heading.</summary>
    string Title { get; }

    /// <summary>The runs that it shows.</summary>
    IReadOnlyList<Run> Runs { get; }

    /// <summary>Writes its charts, if it has any; returns its text and table in Markdown.</summary>
    /// <param name="store">Has all of <see cref="Runs"/>.</param>
    string Render(RunStore store);
}

/// <summary>All results.</summary>
internal static class PaperResults
{
    /// <summary>Their names, in the order of the document.</summary>
    public static IReadOnlyList<string> Names { get; } = ["table1", "table2", "table6", "figure5", "figure10"];

    public static IReadOnlyList<IPaperResult> All(Scale scale, int threads) =>
        [
            new PolicyTable(scale, threads),
            new SinkTable(scale, threads),
            new CacheSizeTable(scale, threads),
            new PerplexityAlongStream(scale, threads),
            new CostByCacheSize(scale, threads),
        ];
}
