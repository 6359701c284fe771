using System.Globalization;
using System.Text;
using Streaming.Bench.Peers.Records;
using Streaming.Tooling;

namespace Streaming.Bench.Peers.Reporting;

/// <summary>Writes RESULTS.md and its charts from the samples of a run.</summary>
internal sealed class ResultsDocument
{
    /// <summary>This program's project, from the repository's root.</summary>
    public const string Project = "bench/Streaming.Bench.Peers";

    private readonly StringBuilder _text = new();
    private readonly Summary _summary;
    private readonly string _folder;

    private ResultsDocument(Summary summary, string folder) => (_summary, _folder) = (summary, folder);

    /// <summary>Writes the document and its charts; returns the document's path.</summary>
    public static string Write(IReadOnlyList<Sample> samples, string folder)
    {
        Directory.CreateDirectory(folder);
        var document = new ResultsDocument(new Summary(samples), folder);
        document.AddAll();
        string path = Path.Combine(folder, "RESULTS.md");
        File.WriteAllText(path, document._text.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n");
        return path;
    }

    private void AddAll()
    {
        Add("# This engine compared with llama.cpp");
        if (_summary.Run.Small)
            Add("**The small version: it shows that the program works, and its numbers mean nothing.**");
        Add(
            """
            All backends compute the same random weights, in processes of their own that take turns in one run. A row shows a backend at
            its best setting, of those that took turns at this load. Tokens per second are those of the median step.

            - The caches of this engine count as full, so every token attends to all places, though most of them hold zeros. llama.cpp's
              caches (float16, a stream for each sequence, no flash attention, batches of 512) are filled to seven eighths and grow from
              there.
            - Nothing is sampled, except at the host.
            - "Large pages" have 2 MiB, as the memory of this engine and of the reading loop always has.

            [Program.cs](Program.cs) is how it is measured, [NOTES.md](NOTES.md) what was expected, [samples.jsonl](samples.jsonl) every
            sample.
            """
        );
        Add("## Targets on two cores");
        AddTable(
            ["<target", "asked", "measured", "<"],
            Targets
                .Of(_summary)
                .Select(target =>
                    (object?[])
                        [
                            target.Name,
                            (target.AtMost ? "at most " : "at least ") + Markdown.Number(target.Asked),
                            target.Measured,
                            target.Verdict,
                        ]
                )
        );
        foreach (string shape in _summary.Shapes)
            AddShape(shape);
        AddBusy();
        AddServed();
        Add("## Where it comes from");
        RunFacts run = _summary.Run;
        Add(
            new Provenance(run.Machine, run.Date, run.Commit, run.Command).ToTable()
                + $"\n`dotnet run -c Release --project {Project} -- --render` writes this page again from the samples."
        );
    }

    private void AddShape(string shape)
    {
        IReadOnlyList<string> backends = _summary.Backends(Kinds.Decode, shape);
        string peer = _summary.Peer(Kinds.Decode) ?? backends[0];
        Add($"## {shape}, cache {_summary.Run.Cache}");
        Add("### Decoding conversations");
        AddTable(
            [
                "conversations",
                "<",
                "<best setting",
                "tokens/s in all",
                "median step, ms",
                $"× {peer}",
                "bytes of a step",
                "GB/s",
                $"share of reading {Targets.Size(_summary.Memory.Bytes)}",
                "share of reading as much",
            ],
            from load in _summary.Loads(Kinds.Decode, shape)
            from backend in backends
            let best = _summary.Best(Kinds.Decode, shape, load, backend)
            where best is not null // the run may be incomplete
            let bytes = _summary.StepBytes(shape, load, backend)
            let shares = backend == _summary.Ours(Kinds.Decode) ? Targets.Shares(_summary, shape, load, backend) : default
            select (object?[])
                [
                    load,
                    backend,
                    best.Setting,
                    best.Rate(load),
                    best.Median,
                    _summary.Best(Kinds.Decode, shape, load, peer)?.Median / best.Median,
                    Targets.Size(bytes),
                    bytes / 1e6 / best.Median,
                    Percent(shares.OfMemory),
                    Percent(shares.OfSameSize),
                ]
        );
        Add(Chart(shape, backends));
        Add("### Prompts, and the time to the first token");
        AddTable(
            ["tokens", "<", "<best setting", "tokens/s", "to the first token, ms", $"× {peer}"],
            from load in _summary.Loads(Kinds.Prompt, shape)
            from backend in backends
            let best = _summary.Best(Kinds.Prompt, shape, load, backend)
            where best is not null // the run may be incomplete
            select (object?[])
                [
                    load,
                    backend,
                    best.Setting,
                    best.Rate(load),
                    best.Median,
                    _summary.Best(Kinds.Prompt, shape, load, peer)?.Median / best.Median,
                ]
        );
        Add($"### Memory bandwidth of a plain reading loop ({_summary.Memory.Loop})");
        AddTable(
            ["buffer", "threads", "GB/s"],
            from bytes in _summary.ReadSizes(shape)
            from threads in Threads(shape)
            select (object?[])[Targets.Size(bytes), threads, _summary.Bandwidth(shape, threads, bytes)]
        );
        Add($"### Agreement: the cosine between the logits and those of {backends[0]}, after the same tokens");
        AddTable(
            ["<", "cosine"],
            backends.Select(backend =>
                (object?[])[backend, _summary.Agreement(shape, backend).ToString("0.0000", CultureInfo.InvariantCulture)]
            )
        );
        Add("<details><summary>Every setting</summary>");
        AddTable(
            ["<load", "<", "<setting", "median, ms", "shortest", "longest", "steps or prompts"],
            from kind in (string[])[Kinds.Decode, Kinds.Prompt]
            from load in _summary.Loads(kind, shape)
            from backend in backends
            from tried in _summary.Tried(kind, shape, load, backend)
            select (object?[])
                [
                    kind == Kinds.Decode ? $"{load} conversation(s)" : $"a prompt of {load} tokens",
                    backend,
                    tried.Setting,
                    tried.Median,
                    tried.Ms[0],
                    tried.Ms[^1],
                    tried.Ms.Count,
                ]
        );
        Add("</details>");
    }

    private string Chart(string shape, IReadOnlyList<string> backends)
    {
        IReadOnlyList<int> loads = _summary.Loads(Kinds.Decode, shape);
        using var chart = new Chart("conversations", "tokens per second in all");
        chart.ShowBars(
            [.. loads.Select(load => load.ToString(CultureInfo.InvariantCulture))],
            [
                .. backends.Select(backend =>
                    (
                        backend,
                        (IReadOnlyList<double?>)[.. loads.Select(load => _summary.Best(Kinds.Decode, shape, load, backend)?.Rate(load))]
                    )
                ),
            ]
        );
        return chart.Save(_folder, "decode-" + shape, $"Tokens per second of {shape} by the number of conversations");
    }

    private IEnumerable<int> Threads(string shape) =>
        _summary
            .Loads(Kinds.Decode, shape)
            .SelectMany(load =>
                _summary.Backends(Kinds.Decode, shape).SelectMany(backend => _summary.Tried(Kinds.Decode, shape, load, backend))
            )
            .Select(tried => tried.Threads)
            .Distinct()
            .Order();

    private void AddBusy()
    {
        foreach (string shape in _summary.BusyShapes)
        {
            Add($"## Steps beside a build ({shape})");
            AddTable(
                ["conversations", "<", "<setting", "steps", "median, ms", "99 %", "longest", "longest over the median"],
                from load in _summary.Loads(Kinds.Busy, shape)
                from backend in _summary.Backends(Kinds.Busy, shape)
                from tried in _summary.Tried(Kinds.Busy, shape, load, backend)
                let late = tried.Ms[(int)Math.Ceiling(0.99 * tried.Ms.Count) - 1]
                select (object?[])[load, backend, tried.Setting, tried.Ms.Count, tried.Median, late, tried.Ms[^1], tried.LongestOverMedian]
            );
            Add(
                "The build is a generated project of 300 classes that `dotnet build` compiles again and again.\n"
                    + "Here llama.cpp's threads always wait passively."
            );
        }
    }

    private void AddServed()
    {
        if (_summary.Served is not { } served)
            return;
        Add("## Served by a host");
        AddTable(
            ["<", "tokens/s in all"],
            [
                ["the engine alone (batcher, sampling, text)", served.Alone],
                ["the host (SQLite, hub, every conversation watched)", served.Served],
                ["the host over the engine", Markdown.Percent(served.Served / served.Alone)],
            ]
        );
        Add(
            Markdown.Wrap(
                $"""
                {served.Line.Conversations} endless replies with full windows, {served.Line.Shape} with {served.Line.Setting},
                {served.Line.Backend}, {served.Line.Threads} thread(s) for the engine; medians of turns. The watching program runs on
                the same
                machine.
                """
            )
        );
    }

    private void Add(string text) => _text.Append(text).Append("\n\n");

    private void AddTable(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows) =>
        _text.Append(Markdown.Table(columns, rows)).Append('\n');

    private static string? Percent(double? share) => share is { } known ? Markdown.Percent(known) : null;
}
