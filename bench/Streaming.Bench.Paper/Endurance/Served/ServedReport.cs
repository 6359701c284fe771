using static Streaming.Bench.Paper.Results.Markdown;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>What is said of the endless reply.</summary>
internal static class ServedReport
{
    private const double Time = 0.05,
        Memory = 0.01,
        Return = 0.1;

    public static string Of(string folder, Journal journal)
    {
        EnduranceScale scale = journal.Head.Scale;
        CostRow[] costs = journal.Costs;
        ScoreRow[] scores = journal.Scores;
        ReturnRow[] returns = journal.Returns;
        return $"""
            One endless reply of a host with its log in SQLite, seen over the hub by one watcher in another process: {Path.GetFileName(scale.Model)}, {scale.Sinks}+{scale.Window}, {journal.Head.Dtype}, temperature 1 with nothing cut off, end tokens masked, the host's default groups (16 tokens or 50 ms). The watcher saw each number once and in order, over all kills. {EngineReport.Share(scale, costs)}

            {Condition.Table(
                Condition.Flat(scale, costs, "Time per token", "ms", row => row.MedianMs, Time),
                Condition.Flat(scale, costs, "Resident memory of the host", "MiB", row => row.ResidentMiB, Memory),
                Returns(scale, returns),
                LogGrowth(scale, costs))}
            After each SIGKILL the host is started again at once. Ready is when it says so; the next token is one that was stored after the kill, as the watcher sees it.

            {Table(
                ["killed at", "ready after", "next token after"],
                returns.Select(row => (string[])[Count(row.At), $"{Number(row.ReadySeconds)} s", $"{Number(row.NextTokenSeconds)} s"]))}
            {OwnText(scale, scores)}

            {CostCharts.Save(folder, "served", journal)}

            <details><summary>By {Count(scale.Segment)} tokens</summary>

            {Table(
                ["tokens", "ms per token, median", "99th percentile", "mean", "resident MiB", "log MiB", "perplexity of its own text"],
                costs.Select((cost, i) => (string[])[
                    Count(cost.End), Number(cost.MedianMs), Number(cost.P99Ms), Number(cost.MeanMs), Number(cost.ResidentMiB), Number(cost.LogMiB ?? 0),
                    i < scores.Length ? Precise(scores[i].Perplexity) : ""]))}
            </details>

            Times are taken where the watcher is, by {Count(scale.Block)} tokens, since tokens arrive in groups, and not across kills; a tenth's time is the mean of its rows' medians. Memory is the host's whole process; it is another process after each kill. The log's size is that of all files of the store, its write-ahead log included. It shows a whole service going on for ever, not only an engine. It does not show many conversations at a time, a watcher far away, or a machine that is lost together with its disk.

            """;
    }

    /// <summary>The medians of coming back at the first place and at the last.</summary>
    private static Condition Returns(EnduranceScale scale, ReturnRow[] returns)
    {
        int first = scale.Kills[0],
            last = scale.Kills[^1];
        string claim =
            $"Coming back at {Count(last)} takes at most {Condition.Percent(Return)} longer than at {Count(first)} (medians of {scale.KillsEach})";
        if (returns.Count(row => row.Planned == last) < scale.KillsEach)
            return Condition.NotReached(claim);
        double then = Median(first),
            now = Median(last);
        return Condition.Of(claim, $"{Number(now)} s and {Number(then)} s, {Difference(now, then)}", now <= then * (1 + Return));

        double Median(int planned)
        {
            double[] seconds = [.. returns.Where(row => row.Planned == planned).Select(row => row.NextTokenSeconds).Order()];
            return seconds[seconds.Length / 2];
        }
    }

    /// <summary>Bytes a token of the log, in the first half and in the second.</summary>
    private static Condition LogGrowth(EnduranceScale scale, CostRow[] costs)
    {
        const string claim = "A token takes at most 5 % more of the log in the second half than in the first";
        CostRow? half = costs.LastOrDefault(row => row.End <= scale.Tokens / 2),
            end = costs.LastOrDefault();
        if (half is null || end!.End < scale.Tokens)
            return Condition.NotReached(claim);
        double first = (half.LogMiB!.Value - costs[0].LogMiB!.Value) / (half.End - costs[0].End),
            second = (end.LogMiB!.Value - half.LogMiB.Value) / (end.End - half.End);
        const double mib = 1 << 20;
        return Condition.Of(
            claim,
            $"{Number(second * mib)} and {Number(first * mib)} bytes a token, {Difference(second, first)}; {Number(end.LogMiB.Value)} MiB at the end",
            second <= first * 1.05
        );
    }

    private static string OwnText(EnduranceScale scale, ScoreRow[] scores)
    {
        double[] second = [.. scale.Tenth(scores, row => row.End, 1).Select(row => Math.Log(row.Perplexity))],
            last = [.. scale.Tenth(scores, row => row.End, 9).Select(row => Math.Log(row.Perplexity))];
        if (last.Length < scale.Tokens / 10 / scale.Segment)
            return "What it wrote was not scored: the run did not come so far.";
        double from = Math.Exp(second.Average()),
            to = Math.Exp(last.Average());
        return $"The engine scored what the host wrote from the ids in the log, in chunks, from the stream's first token: by {Count(scale.Segment)} tokens the perplexity of its own text is {Precise(scores.Min(row => row.Perplexity))} to {Precise(scores.Max(row => row.Perplexity))}; {Precise(to)} in the last tenth and {Precise(from)} in the second ({Difference(to, from)}). A stream that lost its sinks would fall apart, and one that fell into a loop would show as a perplexity near 1. It says nothing of whether the text is worth reading: that is the model's affair.";
    }
}
