using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Streaming.Training.Checkpoints;

/// <summary>Writes files atomically: after a crash a file is complete or absent.</summary>
internal static class AtomicFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes to a temporary file beside the target, flushes it to the disk, and renames it.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        string unfinished = path + ".new";
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>Writes a text file in UTF-8.</summary>
    public static void Write(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes indented JSON with non-ASCII letters unescaped.</summary>
    public static void Write(string path, JsonObject json) => Write(path, json.ToJsonString(Json) + "\n");
}
