using System.Text.Json;
using Streaming.Bench.Peers.Runners;
using Streaming.Inference;

namespace Streaming.Bench.Peers.Records;

/// <summary>The file of samples, with a line of JSON for each, written when it is measured.</summary>
internal sealed class SampleFile : IDisposable
{
    private const string Name = "samples.jsonl";
    private readonly StreamWriter _writer;

    private SampleFile(StreamWriter writer) => _writer = writer;

    /// <summary>Creates the file in a folder; an earlier one is overwritten.</summary>
    public static SampleFile Create(string folder)
    {
        Directory.CreateDirectory(folder);
        return new SampleFile(new StreamWriter(Path.Combine(folder, Name)) { AutoFlush = true, NewLine = "\n" });
    }

    /// <summary>Writes a sample.</summary>
    public void Add(Sample sample) =>
        _writer.WriteLine(JsonLines.Of(sample with { Ms = sample.Ms?.Select(ms => Math.Round(ms, 4)).ToArray() }));

    public void Dispose() => _writer.Dispose();

    /// <summary>Reads the samples of a folder.</summary>
    /// <exception cref="InputException">The file is absent or damaged.</exception>
    public static IReadOnlyList<Sample> Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
            throw new InputException($"{path} does not exist: measure first, or give its folder with --out.");
        try
        {
            return [.. File.ReadLines(path).Select(JsonLines.Read<Sample>)];
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} was not written by this program: {e.Message}", e);
        }
    }
}
