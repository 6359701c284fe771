using static Streaming.Bench.Paper.Results.Figures;
using static Streaming.Tooling.Markdown;

namespace Streaming.Bench.Paper.Endurance.Served;

/// <summary>The text about the endless reply.</summary>
internal static class ServedReport
{
    private const double Time = 0.05,
        Memory = 0.01,
        Return = 0.1,
        Log = 0.05,
        MiB = 1 << 20;

    public static string Of(string folder, Journal journal)
    {
        EnduranceScale scale = journal.Head.Scale;
        CostRow[] costs = journal.Costs;
        ScoreRow[] scores = journal.Scores;
        ReturnRow[] returns = journal.Returns;
        return $"""
            {Wrap(
                $"""
                A host with its log in SQLite gives one endless reply, which a watcher in another process follows over the hub:
                {Path.GetFileName(scale.Model)}, {scale.Sinks}+{scale.Window}, {journal.Head.Dtype}, temperature 1 over the whole
                vocabulary, end
                tokens masked, the host's default groups (16 tokens or 50 ms). Over all kills, the watcher saw each number once and in
                order.
                {EngineReport.Share(scale, costs)}
                """
            )}

            {Condition.Table(
                Condition.Flat(scale, costs, "Time per token", "ms", row => row.MedianMs, Time),
                Condition.Flat(scale, costs, "Resident memory of the host", "MiB", row => row.ResidentMiB, Memory),
                Returns(scale, returns),
                LogGrowth(scale, costs)
            )}
            {Wrap(
                """
                After each SIGKILL the host is restarted at once. It is ready when it says so. The next token is the first one that was
                stored after
                the kill, when the watcher sees it.
                """
            )}

            {Table(
                ["<killed at", "ready after", "next token after"],
                returns.Select(row => (string[])[Count(row.At), $"{Digits(row.ReadySeconds)} s", $"{Digits(row.NextTokenSeconds)} s"])
            )}
            {Wrap(OwnText(scale, scores))}

            {CostCharts.Save(folder, "served", journal)}

            <details><summary>By {Count(scale.Segment)} tokens</summary>

            {Table(
                ["<tokens", "ms per token, median", "99th percentile", "mean", "resident MiB", "log MiB", "perplexity of its own text"],
                costs.Select(
                    (cost, i) =>
                        (string[])
                            [
                                Count(cost.End),
                                Digits(cost.MedianMs),
                                Digits(cost.P99Ms),
                                Digits(cost.MeanMs),
                                Digits(cost.ResidentMiB),
                                Digits(cost.LogMiB ?? 0),
                                i < scores.Length ? Precise(scores[i].Perplexity) : "",
                            ]
                )
            )}
            </details>

            {Wrap(
                $"""
                The watcher measures times, over {Count(scale.Block)} tokens each because tokens arrive in groups, and not across kills.
                The time of
                a tenth is the mean of its rows' medians. Memory is that of the host's whole process, a new one after each kill. The
                size of the log
                includes all files of the store and its write-ahead log. This shows a whole service running on, not only an engine. It
                does not show
                many conversations at a time, a distant watcher, or the loss of a machine with its disk.
                """
            )}
            """;
    }

    /// <summary>Medians of the time to resume at the first place and at the last.</summary>
    private static Condition Returns(EnduranceScale scale, ReturnRow[] returns)
    {
        int first = scale.Kills[0],
            last = scale.Kills[^1];
        string claim =
            $"Resuming at {Count(last)} takes at most {Condition.Percent(Return)} longer than at {Count(first)} "
            + $"(medians of {scale.KillsEach})";
        if (returns.Count(row => row.Planned == last) < scale.KillsEach)
            return Condition.NotReached(claim);
        double then = Median(first),
            now = Median(last);
        return Condition.Of(claim, $"{Digits(now)} s and {Digits(then)} s, {Difference(now, then)}", now <= then * (1 + Return));

        double Median(int planned) =>
            Statistics.Median([.. returns.Where(row => row.Planned == planned).Select(row => row.NextTokenSeconds)]);
    }

    /// <summary>Bytes of the log per token, in the first half and in the second.</summary>
    private static Condition LogGrowth(EnduranceScale scale, CostRow[] costs)
    {
        string claim = $"A token takes at most {Condition.Percent(Log)} more of the log in the second half than in the first";
        CostRow? half = costs.LastOrDefault(row => row.End <= scale.Tokens / 2),
            end = costs.LastOrDefault();
        if (half is null || end!.End < scale.Tokens)
            return Condition.NotReached(claim);
        double first = (half.LogMiB!.Value - costs[0].LogMiB!.Value) / (half.End - costs[0].End),
            second = (end.LogMiB!.Value - half.LogMiB.Value) / (end.End - half.End);
        return Condition.Of(
            claim,
            $"{Digits(second * MiB)} and {Digits(first * MiB)} bytes per token, {Difference(second, first)}; "
                + $"{Digits(end.LogMiB.Value)} MiB at the end",
            second <= first * (1 + Log)
        );
    }

    private static string OwnText(EnduranceScale scale, ScoreRow[] scores)
    {
        double[] second = [.. scale.Tenth(scores, row => row.End, 1).Select(row => Math.Log(row.Perplexity))],
            last = [.. scale.Tenth(scores, row => row.End, 9).Select(row => Math.Log(row.Perplexity))];
        if (last.Length < scale.Tokens / 10 / scale.Segment)
            return "The text was not scored: the run ended too early.";
        double from = Math.Exp(second.Average()),
            to = Math.Exp(last.Average());
        return $"""
            Afterwards the engine scored the text, from the token ids in the log, in chunks, from the first token. In segments of
            {Count(scale.Segment)} tokens, the perplexity of its own text is {Precise(scores.Min(row => row.Perplexity))} to
            {Precise(scores.Max(row => row.Perplexity))}: {Precise(from)} in the second tenth and {Precise(to)} in the last
            ({Difference(
                to,
                from
            )}). A stream that lost its sinks would become incoherent and have a high perplexity; one that fell into a loop
            would have a perplexity near 1. This does not tell whether the text is worth reading, which depends on the model.
            """;
    }
}
