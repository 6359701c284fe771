using System.Globalization;
using System.Text;
using Streaming.Bench.Paper.Endurance;
using Streaming.Bench.Paper.Results;
using Streaming.Bench.Paper.Runs;

namespace Streaming.Bench.Paper;

/// <summary>Writes RESULTS.md: every result and where it comes from.</summary>
internal static class ResultsDocument
{
    /// <summary>This program's project, from the repository's root.</summary>
    public const string Project = "bench/Streaming.Bench.Paper";

    private const string Command = $"dotnet run -c Release --project {Project}";

    /// <summary>Writes the document and its charts.</summary>
    public static void Write(RunStore store, IReadOnlyList<IPaperResult> results, IReadOnlyList<IEnduranceRun> endurance)
    {
        var text = new StringBuilder();
        text.AppendLine(
            $"""
            # The paper's results, measured on this engine

            *Efficient Streaming Language Models with Attention Sinks* (Xiao et al. 2023,
            [arXiv 2309.17453](https://arxiv.org/abs/2309.17453)) compares four ways to continue beyond the size of a cache. This page
            has the same comparison with this project's engine and small models, and two conversations as long as the paper's longest.

            - The text is *Great Expectations* (Project Gutenberg 1400), which neither model was trained on.
            - "4+252" means 4 sinks and the 252 most recent tokens, including the token itself.
            - Perplexity is per token of a model's own vocabulary: compare it within a model, not between models.
            - The embedded model got new weights on 2026-11-27. Its results of an earlier date belong to its first weights: 5.8 million
              parameters, a context of 512, in the history at 54aea06. [Its card](../../models/README.md) describes the present ones.

            `{Command}` writes this page. Every number of a table or figure comes from a
            `streaming` command that is listed below it.

            """
        );
        foreach (IPaperResult result in results)
        {
            text.AppendLine($"## {result.Title}\n");
            int missing = result.Runs.Count(run => !store.Has(run));
            text.AppendLine(
                missing == 0
                    ? $"{result.Render(store).TrimEnd()}\n\n{Origin(store, result)}\n"
                    : $"Not measured yet ({missing} of {result.Runs.Count} runs are missing): `{Command} -- {result.Name}`.\n"
            );
        }
        foreach (IEnduranceRun run in endurance)
        {
            text.AppendLine($"## {run.Title}\n");
            text.AppendLine(
                Journal.Read(store.Folder, run.Name) is { } journal
                    ? $"{run.Render(store.Folder, journal).TrimEnd()}\n\n{Origin(journal)}\n"
                    : $"Not measured yet: `{Command} -- {run.Name}`.\n"
            );
        }
        string file = Path.Combine(store.Folder, "RESULTS.md");
        File.WriteAllText(file, text.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n");
        Console.WriteLine(file);
    }

    private static string Origin(RunStore store, IPaperResult result)
    {
        RunRecord[] records = [.. result.Runs.Distinct().Select(store.Of)];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            <details><summary>Where it comes from: {records.Length} runs, {records.Sum(record => record.Seconds) / 60:0.0} minutes</summary>

            - machine: {string.Join("; ", records.Select(record => record.Machine).Distinct())}
            - date: {Span(records.Min(record => record.Date), records.Max(record => record.Date))}
            - commit: {string.Join(", ", records.Select(record => record.Commit).Distinct())}
            - command: `{Command} -- {result.Name}`, which runs:

            ```
            {string.Join("\n", result.Runs.Distinct().Select(run => run.Command))}
            ```

            </details>
            """
        );
    }

    private static string Origin(Journal journal)
    {
        string took = journal.End is { } end
            ? string.Create(CultureInfo.InvariantCulture, $", {end.Seconds / 60:0.0} minutes")
            : ", cut short";
        return $"""
            <details><summary>Where it comes from: one run{took}</summary>

            - machine: {journal.Head.Machine}
            - date: {Provenance.Format(journal.Head.Date)}
            - commit: {journal.Head.Commit}
            - command: `{journal.Head.Command}`

            </details>
            """;
    }

    private static string Span(DateTimeOffset from, DateTimeOffset to)
    {
        string first = Provenance.Format(from),
            last = Provenance.Format(to);
        return first == last ? first : $"{first} to {last}";
    }
}
