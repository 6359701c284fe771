using System.Text.Json;
using Streaming.Bench.Peers.Sides;
using Streaming.Inference;

namespace Streaming.Bench.Peers.Records;

/// <summary>The raw record, a line of JSON for each sample, written as it comes.</summary>
internal sealed class SampleFile : IDisposable
{
    private const string Name = "samples.jsonl";
    private readonly StreamWriter _writer;
    private readonly List<Sample> _samples = [];

    private SampleFile(StreamWriter writer) => _writer = writer;

    /// <summary>A new record in a folder; an earlier one there is gone.</summary>
    public static SampleFile Create(string folder)
    {
        Directory.CreateDirectory(folder);
        return new SampleFile(new StreamWriter(Path.Combine(folder, Name)) { AutoFlush = true, NewLine = "\n" });
    }

    /// <summary>What has been recorded.</summary>
    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>Records a sample.</summary>
    public void Add(Sample sample)
    {
        _samples.Add(sample);
        _writer.WriteLine(Lines.Of(sample with { Ms = sample.Ms?.Select(ms => Math.Round(ms, 4)).ToArray() }));
    }

    public void Dispose() => _writer.Dispose();

    /// <summary>Reads a record.</summary>
    /// <exception cref="InputException">There is none in the folder, or a line of it is not one.</exception>
    public static IReadOnlyList<Sample> Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
            throw new InputException($"{path} does not exist: measure first, or name its folder with --out.");
        try
        {
            return [.. File.ReadLines(path).Select(Lines.Read<Sample>)];
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is not a record of this program: {e.Message}", e);
        }
    }
}
