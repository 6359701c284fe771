using System.Globalization;
using Streaming.Bench.Peers.Records;
using static Streaming.Bench.Peers.Reporting.Markdown;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>RESULTS.md and its plots, from the samples of a run.</summary>
internal static class ResultsPage
{
    /// <summary>Writes page and plots.</summary>
    /// <returns>The page's path.</returns>
    public static string Write(IReadOnlyList<Sample> samples, string folder)
    {
        var summary = new Summary(samples);
        Directory.CreateDirectory(folder);
        var page = new Markdown();
        page.Paragraph("# The engine beside llama.cpp");
        if (summary.Run.Small)
            page.Paragraph("**The small version: it shows that the program works, and its numbers say nothing.**");
        page.Paragraph(
            """
            Both sides compute the same random weights, each in processes of its own, in turns in one run. Every row is a side at its best setting, of those that
            took their turns at this load. Tokens per second are those of the median step. Our caches count as full, so that every token attends to all places, though most of them hold zeros;
            llama.cpp's (float16, a stream for each sequence, no flash attention, batches of 512) are filled to seven eighths and go on from there. Nothing is
            sampled but at the host. "Large pages" are of 2 MiB, as the engine's memory and the reading loop's always are. How it is measured: [Program.cs](Program.cs); what was expected: [NOTES.md](NOTES.md); every sample: [samples.jsonl](samples.jsonl).
            """
        );
        page.Paragraph("## Targets on two cores")
            .Table(
                ["<target", "asked", "measured", "<"],
                Targets
                    .Of(summary)
                    .Select(target =>
                        (object?[])
                            [
                                target.Name,
                                (target.AtMost ? "at most " : "at least ") + Number(target.Asked),
                                target.Measured,
                                target.Verdict,
                            ]
                    )
            );
        foreach (string shape in summary.Shapes)
            Shape(page, summary, shape, folder);
        Busy(page, summary);
        Served(page, summary);
        page.Paragraph("## Measured on")
            .Table(
                ["<", "<"],
                [
                    ["machine", summary.Run.Machine],
                    ["date", summary.Run.Date.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)],
                    ["commit", summary.Run.Commit],
                    ["command", $"`{summary.Run.Command}`"],
                    ["page again from the samples", "`dotnet run -c Release --project bench/Streaming.Bench.Peers -- --render`"],
                ]
            );
        string path = Path.Combine(folder, "RESULTS.md");
        File.WriteAllText(path, page.ToString());
        return path;
    }

    private static void Shape(Markdown page, Summary summary, string shape, string folder)
    {
        IReadOnlyList<string> contestants = summary.Contestants(Kinds.Decode, shape);
        string peer = summary.Peer(Kinds.Decode) ?? contestants[0];
        page.Paragraph($"## {shape}, cache {summary.Run.Cache}");
        page.Paragraph("### Conversations that decode");
        page.Table(
            [
                "conversations",
                "<",
                "<best setting",
                "tokens/s in all",
                "median step, ms",
                $"× {peer}",
                "bytes of a step",
                "GB/s",
                $"share of reading {Targets.Size(summary.Memory.Bytes)}",
                "share of reading as much",
            ],
            from load in summary.Loads(Kinds.Decode, shape)
            from contestant in contestants
            let best = summary.Best(Kinds.Decode, shape, load, contestant)
            where best is not null // a run that was stopped
            let bytes = summary.StepBytes(shape, load, contestant)
            let shares = contestant == summary.Ours(Kinds.Decode) ? Targets.Shares(summary, shape, load, contestant) : default
            select (object?[])
                [
                    load,
                    contestant,
                    best.Setting,
                    best.Rate(load),
                    best.Median,
                    summary.Best(Kinds.Decode, shape, load, peer)?.Median / best.Median,
                    Targets.Size(bytes),
                    bytes / 1e6 / best.Median,
                    Percent(shares.OfMemory),
                    Percent(shares.OfSameSize),
                ]
        );
        string plot = ResultsPlot.Write(summary, shape, folder);
        page.Paragraph($"![Tokens per second of {shape} by the number of conversations]({plot}.svg)");
        page.Paragraph("### Prompts, and the time to the first token")
            .Table(
                ["tokens", "<", "<best setting", "tokens/s", "to the first token, ms", $"× {peer}"],
                from load in summary.Loads(Kinds.Prompt, shape)
                from contestant in contestants
                let best = summary.Best(Kinds.Prompt, shape, load, contestant)
                where best is not null // a run that was stopped
                select (object?[])
                    [
                        load,
                        contestant,
                        best.Setting,
                        best.Rate(load),
                        best.Median,
                        summary.Best(Kinds.Prompt, shape, load, peer)?.Median / best.Median,
                    ]
            );
        page.Paragraph($"### The memory, read by a plain loop ({summary.Memory.Loop})")
            .Table(
                ["buffer", "threads", "GB/s"],
                from bytes in summary.ReadSizes(shape)
                from threads in ThreadsOf(summary, shape)
                select (object?[])[Targets.Size(bytes), threads, summary.Bandwidth(shape, threads, bytes)]
            );
        page.Paragraph($"### The same model: cosine between the logits and {contestants[0]}'s, after the same tokens")
            .Table(
                ["<", "cosine"],
                contestants.Select(contestant =>
                    (object?[])[contestant, summary.Agreement(shape, contestant).ToString("0.0000", CultureInfo.InvariantCulture)]
                )
            );
        page.Paragraph("<details><summary>Every setting</summary>")
            .Table(
                ["<load", "<", "<setting", "median, ms", "shortest", "longest", "steps or prompts"],
                from kind in (string[])[Kinds.Decode, Kinds.Prompt]
                from load in summary.Loads(kind, shape)
                from contestant in contestants
                from tried in summary.Tried(kind, shape, load, contestant)
                select (object?[])
                    [
                        kind == Kinds.Decode ? $"{load} conversation(s)" : $"a prompt of {load} tokens",
                        contestant,
                        tried.Setting,
                        tried.Median,
                        tried.Ms[0],
                        tried.Ms[^1],
                        tried.Ms.Count,
                    ]
            )
            .Paragraph("</details>");
    }

    private static IEnumerable<int> ThreadsOf(Summary summary, string shape) =>
        summary
            .Loads(Kinds.Decode, shape)
            .SelectMany(load =>
                summary.Contestants(Kinds.Decode, shape).SelectMany(contestant => summary.Tried(Kinds.Decode, shape, load, contestant))
            )
            .Select(tried => tried.Threads)
            .Distinct()
            .Order();

    private static void Busy(Markdown page, Summary summary)
    {
        foreach (string shape in summary.BusyShapes)
        {
            page.Paragraph($"## Steps beside a build ({shape})")
                .Table(
                    ["conversations", "<", "<setting", "steps", "median, ms", "99 %", "longest", "longest over the median"],
                    from load in summary.Loads(Kinds.Busy, shape)
                    from contestant in summary.Contestants(Kinds.Busy, shape)
                    from tried in summary.Tried(Kinds.Busy, shape, load, contestant)
                    let late = tried.Ms[(int)Math.Ceiling(0.99 * tried.Ms.Count) - 1]
                    select (object?[])
                        [load, contestant, tried.Setting, tried.Ms.Count, tried.Median, late, tried.Ms[^1], tried.LongestOverMedian]
                );
            page.Paragraph(
                "The build is a generated project of 300 classes that `dotnet build` compiles over and over. Here llama.cpp's threads always wait passively."
            );
        }
    }

    private static void Served(Markdown page, Summary summary)
    {
        if (summary.Served is not { } served)
            return;
        page.Paragraph("## Served by a host")
            .Table(
                ["<", "tokens/s in all"],
                [
                    ["the engine alone (batcher, sampling, text)", served.Alone],
                    ["the host (SQLite, hub, every conversation watched)", served.Served],
                    ["the host over the engine", Percent(served.Served / served.Alone)],
                ]
            );
        page.Paragraph(
            $"{served.Line.Conversations} endless replies with full windows, {served.Line.Shape} with {served.Line.Setting}, {served.Line.Contestant}, {served.Line.Threads} thread(s) for the engine; medians of turns. The program that watches runs on the same machine."
        );
    }
}
