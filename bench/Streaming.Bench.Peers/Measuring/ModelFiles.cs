using Streaming.Gguf;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>llama.cpp's models of the shapes, in a folder outside the repository, written once.</summary>
internal sealed class ModelFiles(string folder)
{
    // Another way to make weights or files, another number: old files are not taken for new ones.
    private const int Version = 1;

    /// <summary>A shape's file.</summary>
    public async Task<string> OfAsync(string shape, string quant, CancellationToken cancellation)
    {
        GgmlType type = Contestants.TypeOf(quant);
        string path = Path.Combine(folder, $"{shape}-{type}-{Version}.gguf");
        if (File.Exists(path))
            return path;
        Directory.CreateDirectory(folder);
        await Console.Error.WriteLineAsync($"writing {path}");
        await using SideProcess side = await SideProcess.StartAsync(
            ["gguf", shape, type.ToString(), path],
            SideEnvironment.Plain,
            cancellation
        );
        return path;
    }
}
