using System.Globalization;
using Streaming.Bench.Paper.Results;
using static Streaming.Bench.Paper.Results.Markdown;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>What is said of the book read again and again.</summary>
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
            *Great Expectations* again and again in one conversation of the engine, fed token by token and each token scored: {Path.GetFileName(scale.Model)}, {scale.Sinks}+{scale.Window}, {journal.Head.Dtype}; {Count(journal.Head.BookTokens)} tokens a pass. {Share(scale, costs)}

            {Condition.Table(
                Condition.Flat(scale, costs, "Time per token", "ms", row => row.MedianMs, Time),
                Condition.Flat(scale, costs, "Resident memory", "MiB", row => row.ResidentMiB, Memory),
                PassesOf(passes))}
            {Table(["pass of the book", "ends at token", "perplexity"], passes.Select((pass, i) => (string[])[$"{i + 1}", Count(pass.End), Exact(pass.Perplexity)]))}
            {CostCharts.Save(folder, "engine", journal)}

            <details><summary>By {Count(scale.Segment)} tokens</summary>

            {Table(
                ["tokens", "ms per token, median", "99th percentile", "mean", "resident MiB", "perplexity"],
                costs.Zip(scores, (cost, score) => (string[])[Count(cost.End), Number(cost.MedianMs), Number(cost.P99Ms), Number(cost.MeanMs), Number(cost.ResidentMiB), Precise(score.Perplexity)]))}
            </details>

            A tenth's time is the mean of its rows' medians. It shows that position costs nothing: neither time nor memory nor sense, since the same pages are as predictable in the last pass as in the first, millions of tokens on. Perplexity from row to row follows the book; only passes can be compared. It does not show a large model, and with {Count(scale.Sinks + scale.Window)} tokens in sight nothing of one pass helps the next.

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

    /// <summary>Passes differ by rounding alone.</summary>
    private static string Exact(double value) => value.ToString("0.00000", CultureInfo.InvariantCulture);

    /// <summary>How far a run came that is not whole.</summary>
    public static string Share(EnduranceScale scale, CostRow[] costs) =>
        costs.Length > 0 && costs[^1].End >= scale.Tokens
            ? ""
            : $"**The run is not whole: {Count(costs.LastOrDefault()?.End ?? 0)} of {Count(scale.Tokens)} tokens.**";
}

/// <summary>Charts of time, memory and perplexity along a conversation.</summary>
internal static class CostCharts
{
    /// <summary>Writes them; the Markdown that shows them. Nothing yet, no charts.</summary>
    public static string Save(string folder, string name, Journal journal)
    {
        CostRow[] costs = journal.Costs;
        ScoreRow[] scores = journal.Scores;
        if (costs.Length == 0)
            return "";
        double[] along = [.. costs.Select(row => (double)row.End)];
        var time = new Chart("tokens", "ms per token");
        time.Add("median", "median", along, costs.Select(row => row.MedianMs));
        time.Add("p99", "99th percentile", along, costs.Select(row => row.P99Ms));
        time.FromZero(costs.Max(row => row.P99Ms));
        var memory = new Chart("tokens", "MiB");
        memory.Add("memory", "resident", along, costs.Select(row => row.ResidentMiB));
        double most = costs.Max(row => row.ResidentMiB);
        if (costs[^1].LogMiB is { } log)
        {
            memory.Add("log", "log on disk", along, costs.Select(row => row.LogMiB ?? 0));
            most = Math.Max(most, log);
        }
        memory.FromZero(most);
        string charts =
            time.Save(folder, $"{name}-time", "Time per token along the conversation")
            + "\n\n"
            + memory.Save(folder, $"{name}-memory", "Resident memory along the conversation");
        if (scores.Length == 0)
            return charts;
        var sense = new Chart("tokens", "perplexity");
        sense.Add(
            "streaming",
            $"{journal.Head.Scale.Sinks}+{journal.Head.Scale.Window}",
            scores.Select(row => (double)row.End),
            scores.Select(row => row.Perplexity)
        );
        sense.FromZero(scores.Max(row => row.Perplexity));
        return charts + "\n\n" + sense.Save(folder, $"{name}-perplexity", "Perplexity along the conversation");
    }
}
