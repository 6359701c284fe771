using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Streaming.Inference;

namespace Streaming.Training.Corpora;

/// <summary>Reads training texts: chat JSONL and plain text, optionally compressed (<c>.gz</c>).</summary>
internal static class CorpusFile
{
    /// <summary>The dialogues of a JSONL file, one JSON object a line: <c>{ "source"?, "messages": [{ "role", "content" }] }</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="source">Reads only the dialogues of this source; null for all.</param>
    /// <exception cref="InputException">The file cannot be read, or a line is not a dialogue.</exception>
    public static IEnumerable<Dialogue> Dialogues(string path, string? source)
    {
        using StreamReader reader = Open(path);
        for (int line = 1; reader.ReadLine() is string text; line++)
        {
            if (text.Length > 0 && DialogueOf(path, line, text, source) is Dialogue dialogue)
                yield return dialogue;
        }
    }

    /// <summary>A file's whole text.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    public static string Text(string path)
    {
        using StreamReader reader = Open(path);
        try
        {
            return reader.ReadToEnd().Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw new InputException($"'{path}' is damaged or not UTF-8 ({e.Message}): create the file again.", e);
        }
    }

    /// <summary>Splits a long text at line ends into parts of about the given number of characters.</summary>
    public static IEnumerable<string> Parts(string text, int characters)
    {
        for (int at = 0; at < text.Length; )
        {
            int end = text.Length - at <= characters * 4 / 3 ? text.Length : text.IndexOf('\n', at + characters);
            if (end < 0)
                end = text.Length;
            string part = text[at..end].Trim();
            if (part.Length > 0)
                yield return part;
            at = end;
        }
    }

    private static StreamReader Open(string path)
    {
        try
        {
            Stream file = File.OpenRead(path);
            Stream plain = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
            return new StreamReader(plain, new UTF8Encoding(false, throwOnInvalidBytes: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"'{path}' cannot be read ({e.Message}): name a file that exists and may be read.", e);
        }
    }

    private static Dialogue? DialogueOf(string path, int line, string text, string? source)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            JsonElement root = json.RootElement;
            if (source is not null && root.GetProperty("source").GetString() != source)
                return null;
            var turns = new List<Turn>();
            foreach (JsonElement message in root.GetProperty("messages").EnumerateArray())
            {
                string role = message.GetProperty("role").GetString()!,
                    content = message.GetProperty("content").GetString()!.Trim();
                if (role is not (Turn.System or Turn.User or Turn.Assistant))
                    throw new InputException($"'{path}', line {line}: the role '{role}' must be system, user or assistant.");
                turns.Add(new Turn(role, content));
            }
            return turns.Any(t => t.Role == Turn.Assistant)
                ? new Dialogue(turns)
                : throw new InputException(
                    $"'{path}', line {line}: the dialogue has no assistant message to train on: leave the line out."
                );
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or NullReferenceException)
        {
            throw new InputException(
                $"'{path}', line {line} is not a dialogue: write {{ \"messages\": [{{ \"role\", \"content\" }}] }}, "
                    + "and \"source\" if the mixture selects by it.",
                e
            );
        }
    }
}
