using System.Globalization;
using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>The text about the book that is read again and again.</summary>
internal static class EngineReport
{
    private const double Time = 0.05,
        Memory = 0.01,
        PassesAgree = 0.001;

    public static string Of(string folder, Journal journal)
    {
        EnduranceScale scale = journal.Head.Scale;
        CostRow[] costs = journal.Costs;
        ScoreRow[] scores = journal.Scores,
            passes = journal.Passes;
        return $"""
            {Wrap(
                $"""
                One conversation of the engine reads *Great Expectations* again and again, token by token, and scores each token:
                {Path.GetFileName(scale.Model)}, {scale.Sinks}+{scale.Window}, {journal.Head.Dtype}; {Count(journal.Head.BookTokens)}
                tokens in a
                pass. {Share(scale, costs)}
                """
            )}

            {Condition.Table(
                Condition.Flat(scale, costs, "Time per token", "ms", row => row.MedianMs, Time),
                Condition.Flat(scale, costs, "Resident memory", "MiB", row => row.ResidentMiB, Memory),
                PassesOf(passes)
            )}
            {Table(
                ["<pass of the book", "ends at token", "perplexity"],
                passes.Select((pass, i) => (string[])[$"{i + 1}", Count(pass.End), Exact(pass.Perplexity)])
            )}
            {CostCharts.Save(folder, "engine", journal)}

            <details><summary>By {Count(scale.Segment)} tokens</summary>

            {Table(
                ["<tokens", "ms per token, median", "99th percentile", "mean", "resident MiB", "perplexity"],
                costs.Zip(
                    scores,
                    (cost, score) =>
                        (string[])
                            [
                                Count(cost.End),
                                Digits(cost.MedianMs),
                                Digits(cost.P99Ms),
                                Digits(cost.MeanMs),
                                Digits(cost.ResidentMiB),
                                Precise(score.Perplexity),
                            ]
                )
            )}
            </details>

            {Wrap(
                $"""
                The time of a tenth is the mean of its rows' medians. Time and memory do not depend on the position, and predictions do
                not get
                worse: the same pages are as predictable in the last pass as in the first, millions of tokens later. Perplexity from row
                to row
                follows the book, so only passes can be compared. This does not show a large model. With a cache of
                {Count(scale.Sinks + scale.Window)} tokens, nothing of one pass helps the next.
                """
            )}
            """;
    }

    private static Condition PassesOf(ScoreRow[] passes)
    {
        string claim = $"Passes of the book agree within {Condition.Percent(PassesAgree)} in perplexity";
        if (passes.Length < 2)
            return Condition.NotReached(claim);
        double least = passes.Min(pass => pass.Perplexity),
            most = passes.Max(pass => pass.Perplexity);
        return Condition.Of(
            claim,
            $"{Exact(least)} to {Exact(most)} in {passes.Length} passes, {Exact(100 * (most / least - 1))} %",
            most / least - 1 <= PassesAgree
        );
    }

    /// <summary>With five decimals: passes differ by rounding alone.</summary>
    private static string Exact(double value) => value.ToString("0.00000", CultureInfo.InvariantCulture);

    /// <summary>How far an incomplete run came.</summary>
    public static string Share(EnduranceScale scale, CostRow[] costs) =>
        costs.Length > 0 && costs[^1].End >= scale.Tokens
            ? ""
            : $"**The run is incomplete: {Count(costs.LastOrDefault()?.End ?? 0)} of {Count(scale.Tokens)} tokens.**";
}

/// <summary>Charts of time, memory and perplexity along a conversation.</summary>
internal static class CostCharts
{
    /// <summary>Writes the charts; returns the Markdown that shows them, which is empty if nothing is recorded yet.</summary>
    public static string Save(string folder, string name, Journal journal)
    {
        CostRow[] costs = journal.Costs;
        ScoreRow[] scores = journal.Scores;
        if (costs.Length == 0)
            return "";
        double[] along = [.. costs.Select(row => (double)row.End)];
        using var time = new Chart("tokens", "ms per token");
        time.AddLine(LineLook.Blue, "median", along, costs.Select(row => row.MedianMs));
        time.AddLine(LineLook.Orange, "99th percentile", along, costs.Select(row => row.P99Ms));
        time.BeginAtZero(costs.Max(row => row.P99Ms));
        using var memory = new Chart("tokens", "MiB");
        memory.AddLine(LineLook.Green, "resident", along, costs.Select(row => row.ResidentMiB));
        double most = costs.Max(row => row.ResidentMiB);
        if (costs[^1].LogMiB is { } log)
        {
            memory.AddLine(LineLook.Red, "log on disk", along, costs.Select(row => row.LogMiB ?? 0));
            most = Math.Max(most, log);
        }
        memory.BeginAtZero(most);
        string charts =
            time.Save(folder, $"{name}-time", "Time per token along the conversation")
            + "\n\n"
            + memory.Save(folder, $"{name}-memory", "Resident memory along the conversation");
        if (scores.Length == 0)
            return charts;
        using var perplexity = new Chart("tokens", "perplexity");
        perplexity.AddLine(
            LineLook.Blue,
            $"{journal.Head.Scale.Sinks}+{journal.Head.Scale.Window}",
            scores.Select(row => (double)row.End),
            scores.Select(row => row.Perplexity)
        );
        perplexity.BeginAtZero(scores.Max(row => row.Perplexity));
        return charts + "\n\n" + perplexity.Save(folder, $"{name}-perplexity", "Perplexity along the conversation");
    }
}
