using System.Text;
using System.Text.Json.Nodes;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>A temporary copy of the starter model's small files; the test writes the weights.</summary>
internal sealed class TemporaryCheckpoint : IDisposable
{
    private static readonly string[] SmallFiles = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];

    public TemporaryCheckpoint(bool withWeights = false)
    {
        Folder = Directory.CreateTempSubdirectory("checkpoint-").FullName;
        foreach (string name in withWeights ? [.. SmallFiles, "model.safetensors"] : SmallFiles)
            File.Copy(Path.Combine(ModelFolders.Starter, name), Path.Combine(Folder, name));
    }

    public string Folder { get; }

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Changes a JSON file.</summary>
    public void Edit(string name, Action<JsonObject> change)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(PathOf(name)))!.AsObject();
        change(json);
        File.WriteAllText(PathOf(name), json.ToJsonString());
    }

    /// <summary>Writes a safetensors file: a header's JSON, then data.</summary>
    public void WriteWeights(string header, byte[] data, string name = "model.safetensors", ulong? statedLength = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(PathOf(name), [.. BitConverter.GetBytes(statedLength ?? (ulong)json.Length), .. json, .. data]);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
