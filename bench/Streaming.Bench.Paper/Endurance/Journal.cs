using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>A line of a journal: one of its properties is set.</summary>
internal sealed record JournalLine
{
    /// <summary>The first line: the run's origin.</summary>
    public RunHead? Head { get; init; }

    /// <summary>The cost of consecutive tokens.</summary>
    public CostRow? Cost { get; init; }

    /// <summary>The perplexity of consecutive tokens.</summary>
    public ScoreRow? Score { get; init; }

    /// <summary>The perplexity of a pass over the book.</summary>
    public ScoreRow? Pass { get; init; }

    /// <summary>A kill and the return after it.</summary>
    public ReturnRow? Return { get; init; }

    /// <summary>The last line.</summary>
    public RunEnd? End { get; init; }
}

/// <summary>A run's origin.</summary>
/// <param name="Command">The command that measured it.</param>
/// <param name="Date">When it began, UTC.</param>
/// <param name="Commit">The commit of the program.</param>
/// <param name="Machine">Processor, cores, operating system, runtime.</param>
/// <param name="Scale">Length, model and resolution.</param>
/// <param name="Dtype">The type of weights and arithmetic.</param>
/// <param name="BookTokens">Tokens of the book; 0 where none is read.</param>
internal sealed record RunHead(
    string Command,
    DateTimeOffset Date,
    string Commit,
    string Machine,
    EnduranceScale Scale,
    string Dtype,
    int BookTokens
)
{
    /// <summary>The head of a run that begins now.</summary>
    public static RunHead Of(Provenance provenance, EnduranceScale scale, int bookTokens) =>
        new(provenance.Command, DateTimeOffset.UtcNow, provenance.Commit, provenance.Machine, scale, "float32", bookTokens);
}

/// <summary>The cost of consecutive tokens.</summary>
/// <param name="End">Tokens of the conversation at their end.</param>
/// <param name="MeanMs">Time per token, mean.</param>
/// <param name="MedianMs">Time per token, median.</param>
/// <param name="P99Ms">Time per token, 99th percentile.</param>
/// <param name="ResidentMiB">Resident memory, mean of samples at equal distances.</param>
/// <param name="LogMiB">Size of the log's files at their end; null where there is none.</param>
internal sealed record CostRow(long End, double MeanMs, double MedianMs, double P99Ms, double ResidentMiB, double? LogMiB);

/// <summary>The perplexity of consecutive tokens.</summary>
/// <param name="End">Tokens of the stream at their end.</param>
/// <param name="Tokens">Their number.</param>
/// <param name="Perplexity">Their perplexity.</param>
internal sealed record ScoreRow(long End, long Tokens, double Perplexity);

/// <summary>A kill of the host, and its return.</summary>
/// <param name="Planned">Tokens after which the kill was planned.</param>
/// <param name="At">Tokens that the watcher had seen.</param>
/// <param name="ReadySeconds">From the kill until the host, restarted at once, says that it is ready.</param>
/// <param name="NextTokenSeconds">From the kill until the watcher sees a token that was stored after it.</param>
internal sealed record ReturnRow(int Planned, long At, double ReadySeconds, double NextTokenSeconds);

/// <summary>The end of a run.</summary>
/// <param name="Seconds">How long it took.</param>
internal sealed record RunEnd(double Seconds);

/// <summary>What a run has measured so far, in a file with one JSON object per line.</summary>
internal sealed class Journal
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string _file;
    private readonly List<JournalLine> _lines;

    private Journal(string file, List<JournalLine> lines)
    {
        _file = file;
        _lines = lines;
    }

    /// <summary>The run's origin.</summary>
    public RunHead Head => _lines[0].Head!;

    /// <summary>Costs, in order.</summary>
    public CostRow[] Costs => [.. _lines.Select(line => line.Cost).OfType<CostRow>()];

    /// <summary>Perplexities, in order.</summary>
    public ScoreRow[] Scores => [.. _lines.Select(line => line.Score).OfType<ScoreRow>()];

    /// <summary>Perplexities of the passes over the book, in order.</summary>
    public ScoreRow[] Passes => [.. _lines.Select(line => line.Pass).OfType<ScoreRow>()];

    /// <summary>Kills, in order.</summary>
    public ReturnRow[] Returns => [.. _lines.Select(line => line.Return).OfType<ReturnRow>()];

    /// <summary>Null while the run is running, and if it was cut short.</summary>
    public RunEnd? End => _lines[^1].End;

    /// <summary>Whether the run came to its end, and, if a commit is given, was made at it.</summary>
    public bool IsComplete(string? commit) => End is not null && (commit is null || Head.Commit == commit);

    /// <summary>Begins a run's journal; an earlier one is deleted.</summary>
    public static Journal Begin(string folder, string name, RunHead head)
    {
        Directory.CreateDirectory(folder);
        var journal = new Journal(FileOf(folder, name), []);
        File.Delete(journal._file);
        journal.Add(new JournalLine { Head = head });
        return journal;
    }

    /// <summary>A run's journal, or null.</summary>
    /// <exception cref="ToolException">The file is damaged.</exception>
    public static Journal? Read(string folder, string name)
    {
        string file = FileOf(folder, name);
        if (!File.Exists(file))
            return null;
        try
        {
            List<JournalLine> lines = [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<JournalLine>(line, Json)!)];
            if (lines is [{ Head: not null }, ..])
                return new Journal(file, lines);
        }
        catch (JsonException e)
        {
            throw new ToolException($"'{file}' is damaged ({e.Message}): remove it, and measure again.");
        }
        throw new ToolException($"'{file}' does not begin with a run's head: remove it, and measure again.");
    }

    /// <summary>Records a line.</summary>
    public void Add(JournalLine line)
    {
        _lines.Add(line);
        File.AppendAllText(_file, JsonSerializer.Serialize(line, Json) + "\n");
    }

    private static string FileOf(string folder, string name) => Path.Combine(folder, name + ".jsonl");
}
