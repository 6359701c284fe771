using System.Globalization;
using System.Text;
using Streaming.Bench.Paper.Endurance;
using Streaming.Bench.Paper.Results;
using Streaming.Bench.Paper.Runs;

namespace Streaming.Bench.Paper;

/// <summary>RESULTS.md: every result with where it comes from.</summary>
internal static class ResultsDocument
{
    /// <summary>Writes it, and the plots.</summary>
    public static void Write(RunStore store, IReadOnlyList<IPaperResult> results, IReadOnlyList<IEnduranceRun> endurance)
    {
        var text = new StringBuilder();
        text.AppendLine(
            """
            # The paper's results, measured on this engine

            *Efficient Streaming Language Models with Attention Sinks* (Xiao et al. 2023, [arXiv 2309.17453](https://arxiv.org/abs/2309.17453)) compares four ways to
            go on beyond a cache's size. This is the same comparison with this project's engine and small models, and then two conversations of
            the length of the paper's longest. The text is *Great Expectations*
            (Project Gutenberg 1400), which is among neither model's training texts. "4+252" is 4 sinks and 252 recent tokens, the token itself
            included; perplexities are per token of each model's own vocabulary, so compare them within a row of models, not across.
            Of the embedded model, what was measured before 2026-11-27 (see each result's date) is of its first weights, 5.8 million parameters and a context of 512, in the
            history at 54aea06; [its card](../../models/README.md) is of those that it has now.

            This file is written by `dotnet run -c Release --project bench/Streaming.Bench.Paper`; every number of a table or figure comes from a `streaming` command that is named below it.

            """
        );
        foreach (IPaperResult result in results)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {result.Title}").AppendLine();
            Run[] missing = [.. result.Runs.Where(run => !store.Has(run))];
            if (missing.Length > 0)
                text.AppendLine(
                        CultureInfo.InvariantCulture,
                        $"Not measured yet ({missing.Length} of {result.Runs.Count} runs are missing): `dotnet run -c Release --project bench/Streaming.Bench.Paper -- {result.Name}`."
                    )
                    .AppendLine();
            else
                text.AppendLine(result.Render(store)).AppendLine(Origin(store, result)).AppendLine();
        }
        foreach (IEnduranceRun run in endurance)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {run.Title}").AppendLine();
            if (Journal.Read(store.Folder, run.Name) is { } journal)
                text.AppendLine(run.Render(store.Folder, journal)).AppendLine(Origin(journal)).AppendLine();
            else
                text.AppendLine(
                        CultureInfo.InvariantCulture,
                        $"Not measured yet: `dotnet run -c Release --project bench/Streaming.Bench.Paper -- {run.Name}`."
                    )
                    .AppendLine();
        }
        string file = Path.Combine(store.Folder, "RESULTS.md");
        File.WriteAllText(file, text.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n");
        Console.WriteLine(file);
    }

    /// <summary>Machine, dates, commits and commands of a result.</summary>
    private static string Origin(RunStore store, IPaperResult result)
    {
        RunRecord[] records = [.. result.Runs.Distinct().Select(store.Of)];
        var text = new StringBuilder();
        text.AppendLine(
                CultureInfo.InvariantCulture,
                $"<details><summary>Where it comes from: {records.Length} runs, {records.Sum(record => record.Seconds) / 60:0.0} minutes</summary>"
            )
            .AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"- machine: {string.Join("; ", records.Select(record => record.Machine).Distinct())}"
        );
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"- date: {Span(records.Min(record => record.Date), records.Max(record => record.Date))}"
        );
        text.AppendLine(CultureInfo.InvariantCulture, $"- commit: {string.Join(", ", records.Select(record => record.Commit).Distinct())}");
        text.AppendLine(
                CultureInfo.InvariantCulture,
                $"- all of it: `dotnet run -c Release --project bench/Streaming.Bench.Paper -- {result.Name}`; one by one:"
            )
            .AppendLine();
        text.AppendLine("```");
        foreach (Run run in result.Runs.Distinct())
            text.AppendLine(run.Command);
        text.AppendLine("```").AppendLine().Append("</details>");
        return text.ToString();
    }

    private static string Origin(Journal journal)
    {
        string took = journal.End is { } end
            ? string.Create(CultureInfo.InvariantCulture, $", {end.Seconds / 60:0.0} minutes")
            : ", cut short";
        return $"""
            <details><summary>Where it comes from: one run{took}</summary>

            - machine: {journal.Head.Machine}
            - date: {Span(journal.Head.Date, journal.Head.Date)}
            - commit: {journal.Head.Commit}
            - command: `{journal.Head.Command}`

            </details>
            """;
    }

    private static string Span(DateTimeOffset from, DateTimeOffset to)
    {
        const string form = "yyyy-MM-dd HH:mm";
        string first = from.UtcDateTime.ToString(form, CultureInfo.InvariantCulture),
            last = to.UtcDateTime.ToString(form, CultureInfo.InvariantCulture);
        return first == last ? $"{first} UTC" : $"{first} to {last} UTC";
    }
}
