using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Bench.Paper.Endurance;

/// <summary>A line of a journal: one of these.</summary>
internal sealed record JournalLine
{
    /// <summary>The first line: where the run comes from.</summary>
    public RunHead? Head { get; init; }

    /// <summary>Cost of consecutive tokens.</summary>
    public CostRow? Cost { get; init; }

    /// <summary>Perplexity of consecutive tokens.</summary>
    public ScoreRow? Score { get; init; }

    /// <summary>Perplexity of a pass over the book.</summary>
    public ScoreRow? Pass { get; init; }

    /// <summary>A kill and what came after it.</summary>
    public ReturnRow? Return { get; init; }

    /// <summary>The last line.</summary>
    public RunEnd? End { get; init; }
}

/// <summary>Where a run comes from.</summary>
/// <param name="Command">What was typed.</param>
/// <param name="Date">When it began, UTC.</param>
/// <param name="Commit">Of the program.</param>
/// <param name="Machine">Where.</param>
/// <param name="Scale">How much of what.</param>
/// <param name="Dtype">The arithmetic.</param>
/// <param name="BookTokens">Tokens of the book; 0 where none is read.</param>
internal sealed record RunHead(
    string Command,
    DateTimeOffset Date,
    string Commit,
    string Machine,
    EnduranceScale Scale,
    string Dtype,
    int BookTokens
);

/// <summary>What consecutive tokens cost.</summary>
/// <param name="End">Tokens of the conversation at their end.</param>
/// <param name="MeanMs">Time per token over all of them.</param>
/// <param name="MedianMs">The median.</param>
/// <param name="P99Ms">The 99th percentile.</param>
/// <param name="ResidentMiB">Resident memory, mean of samples at equal distances.</param>
/// <param name="LogMiB">Size of the log's files at their end; null where there is none.</param>
internal sealed record CostRow(long End, double MeanMs, double MedianMs, double P99Ms, double ResidentMiB, double? LogMiB);

/// <summary>How well consecutive tokens are predicted.</summary>
/// <param name="End">Tokens of the stream at their end.</param>
/// <param name="Tokens">How many they are.</param>
/// <param name="Perplexity">Their perplexity.</param>
internal sealed record ScoreRow(long End, long Tokens, double Perplexity);

/// <summary>A kill.</summary>
/// <param name="Planned">One of the scale's places.</param>
/// <param name="At">Tokens that the watcher had seen.</param>
/// <param name="ReadySeconds">From the kill until the host, started anew at once, says that it is ready.</param>
/// <param name="NextTokenSeconds">From the kill until the watcher sees a token that was stored after it.</param>
internal sealed record ReturnRow(int Planned, long At, double ReadySeconds, double NextTokenSeconds);

/// <summary>A run came to its end.</summary>
/// <param name="Seconds">How long it took.</param>
internal sealed record RunEnd(double Seconds);

/// <summary>What one run has measured so far, in a file of one JSON object a line that is written as it goes.</summary>
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

    /// <summary>Where the run comes from.</summary>
    public RunHead Head => _lines[0].Head!;

    /// <summary>What tokens cost, in order.</summary>
    public CostRow[] Costs => [.. _lines.Select(line => line.Cost).OfType<CostRow>()];

    /// <summary>How well they are predicted, in order.</summary>
    public ScoreRow[] Scores => [.. _lines.Select(line => line.Score).OfType<ScoreRow>()];

    /// <summary>Passes over the book, in order.</summary>
    public ScoreRow[] Passes => [.. _lines.Select(line => line.Pass).OfType<ScoreRow>()];

    /// <summary>Kills, in order.</summary>
    public ReturnRow[] Returns => [.. _lines.Select(line => line.Return).OfType<ReturnRow>()];

    /// <summary>Null while the run is under way, and when it was cut short.</summary>
    public RunEnd? End => _lines[^1].End;

    /// <summary>Begins a run's journal, in place of an earlier one's.</summary>
    public static Journal Begin(string folder, string name, RunHead head)
    {
        Directory.CreateDirectory(folder);
        var journal = new Journal(FileOf(folder, name), []);
        File.Delete(journal._file);
        journal.Add(new JournalLine { Head = head });
        return journal;
    }

    /// <summary>A run's journal; null when there is none.</summary>
    /// <exception cref="MeasurementException">The file is damaged.</exception>
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
            throw new MeasurementException($"'{file}' is damaged ({e.Message}): remove it, and measure again.");
        }
        throw new MeasurementException($"'{file}' does not begin with a run's head: remove it, and measure again.");
    }

    /// <summary>Keeps a line.</summary>
    public void Add(JournalLine line)
    {
        _lines.Add(line);
        File.AppendAllText(_file, JsonSerializer.Serialize(line, Json) + "\n");
    }

    private static string FileOf(string folder, string name) => Path.Combine(folder, name + ".jsonl");
}
