using System.Text.Encodings.Web;
using System.Text.Json;

namespace Streaming.Bench.Paper.Runs;

/// <summary>A run that was made.</summary>
/// <param name="Arguments">Which one.</param>
/// <param name="Date">When it ended, UTC.</param>
/// <param name="Commit">Of the program.</param>
/// <param name="Machine">Where.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Output">What it printed.</param>
internal sealed record RunRecord(string Arguments, DateTimeOffset Date, string Commit, string Machine, double Seconds, JsonElement Output);

/// <summary>The runs that were made, in a file of one JSON object a line; of two of the same arguments the later counts.</summary>
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

    /// <summary>Where the results lie.</summary>
    public string Folder { get; }

    /// <summary>Opens the runs of a folder, which is made if it is absent.</summary>
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
                throw new MeasurementException(
                    $"Line {number} of '{store._file}' is no run ({e.Message}): remove the line, and that run is made again."
                );
            }
        }
        return store;
    }

    /// <summary>Whether a run was made.</summary>
    public bool Has(Run run) => _records.ContainsKey(run.Arguments);

    /// <summary>A run that was made.</summary>
    public RunRecord Of(Run run) => _records[run.Arguments];

    /// <summary>What a run printed.</summary>
    public T Output<T>(Run run) => Of(run).Output.Deserialize<T>(Json)!;

    /// <summary>Keeps a run.</summary>
    public void Add(RunRecord record)
    {
        _records[record.Arguments] = record;
        File.AppendAllText(_file, JsonSerializer.Serialize(record, Json) + "\n");
    }
}
