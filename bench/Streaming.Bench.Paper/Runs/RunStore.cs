using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Bench.Paper.Runs;

/// <summary>A run that was made.</summary>
/// <param name="Arguments">The run's arguments.</param>
/// <param name="Date">When it ended, UTC.</param>
/// <param name="Commit">The commit of the program.</param>
/// <param name="Machine">Processor, cores, operating system, runtime.</param>
/// <param name="Seconds">Its duration.</param>
/// <param name="Output">Its output.</param>
internal sealed record RunRecord(string Arguments, DateTimeOffset Date, string Commit, string Machine, double Seconds, JsonElement Output);

/// <summary>The recorded runs, in a file with one JSON object per line; of two with the same arguments the later one counts.</summary>
internal sealed class RunStore
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Dictionary<string, RunRecord> _records = new(StringComparer.Ordinal);
    private readonly string _file;

    private RunStore(string folder)
    {
        Folder = folder;
        _file = Path.Combine(folder, "runs.jsonl");
    }

    /// <summary>Folder of the results.</summary>
    public string Folder { get; }

    /// <summary>Opens the runs of a folder, which is created if it is absent.</summary>
    public static RunStore Open(string folder)
    {
        var store = new RunStore(Path.GetFullPath(folder));
        Directory.CreateDirectory(store.Folder);
        if (!File.Exists(store._file))
            return store;
        int number = 0;
        foreach (string line in File.ReadLines(store._file))
        {
            number++;
            try
            {
                RunRecord record = JsonSerializer.Deserialize<RunRecord>(line, Json)!;
                store._records[record.Arguments] = record;
            }
            catch (JsonException e)
            {
                throw new ToolException(
                    $"Line {number} of '{store._file}' is not a run ({e.Message}): remove the line, and the run is made again."
                );
            }
        }
        return store;
    }

    /// <summary>Whether a run is recorded, and, if a commit is given, for it.</summary>
    public bool Has(Run run, string? commit = null) =>
        _records.TryGetValue(run.Arguments, out RunRecord? record) && (commit is null || record.Commit == commit);

    /// <summary>A recorded run.</summary>
    public RunRecord Of(Run run) => _records[run.Arguments];

    /// <summary>The output of a recorded run.</summary>
    public T Output<T>(Run run) => Of(run).Output.Deserialize<T>(Json)!;

    /// <summary>Records a run.</summary>
    public void Add(RunRecord record)
    {
        _records[record.Arguments] = record;
        File.AppendAllText(_file, JsonSerializer.Serialize(record, Json) + "\n");
    }
}
