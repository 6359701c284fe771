using Streaming.Gguf;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>GGUF files of the shapes, in a folder outside the repository. Each is written once.</summary>
internal sealed class ModelFiles(string folder)
{
    // Increase it when weights or files are made differently, so that old files are not used.
    private const int Version = 1;

    /// <summary>The path of a shape's file.</summary>
    public async Task<string> OfAsync(string shape, string quant, CancellationToken cancellation)
    {
        GgmlType type = Backends.TypeOf(quant);
        string path = Path.Combine(folder, $"{shape}-{type}-{Version}.gguf");
        if (File.Exists(path))
            return path;
        Directory.CreateDirectory(folder);
        await Console.Error.WriteLineAsync($"writing {path}");
        await using RunnerProcess runner = await RunnerProcess.StartAsync(
            ["gguf", shape, type.ToString(), path],
            RunnerEnvironment.Plain,
            cancellation
        );
        return path;
    }
}
