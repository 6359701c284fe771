using System.Buffers.Binary;
using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// The header of a safetensors file: eight bytes with its length, then JSON with the type, shape and offsets of each tensor. It is not
/// trusted: each value is checked against the file before a tensor is read.
/// </summary>
internal static class SafetensorsHeader
{
    private const int LengthBytes = 8;
    private const long MaxHeaderBytes = 100_000_000; // the format's own limit

    /// <summary>Reads and checks a header; returns the tensors in file order and the offset of their bytes.</summary>
    /// <exception cref="InputException">The header is invalid.</exception>
    public static (IReadOnlyList<SafetensorsEntry> Entries, long DataStart) Read(string file, Stream stream)
    {
        long fileLength = stream.Length;
        Span<byte> prefix = stackalloc byte[LengthBytes];
        if (fileLength < LengthBytes)
            throw Broken(file, $"it is only {fileLength} bytes long");
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes)
            throw Broken(file, $"it states a header of {length} bytes, more than the format's {MaxHeaderBytes}");
        if ((long)length > fileLength - LengthBytes)
            throw Broken(file, $"it states a header of {length} bytes and is itself only {fileLength} bytes long");
        byte[] json = new byte[length];
        stream.ReadExactly(json);
        long dataStart = LengthBytes + (long)length;
        List<SafetensorsEntry> entries = Parse(file, json);
        CheckPlaces(file, entries, fileLength - dataStart);
        return (entries, dataStart);
    }

    private static List<SafetensorsEntry> Parse(string file, byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw Broken(file, "its header is not a JSON object");
            var entries = new List<SafetensorsEntry>();
            var names = new HashSet<string>();
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!names.Add(property.Name))
                    throw Broken(file, $"its header names '{property.Name}' twice");
                if (property.Name != "__metadata__")
                    entries.Add(Entry(file, property.Name, property.Value));
            }
            return entries;
        }
        catch (JsonException e)
        {
            throw Broken(file, "its header is not valid JSON", e);
        }
    }

    private static SafetensorsEntry Entry(string file, string name, JsonElement value)
    {
        if (
            value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out JsonElement dtype)
            || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out JsonElement shape)
            || Numbers(shape) is not long[] dimensions
            || !value.TryGetProperty("data_offsets", out JsonElement offsets)
            || Numbers(offsets) is not [long begin, long end]
        )
        {
            throw Broken(file, $"its header does not give '{name}' a dtype, a shape and two data_offsets");
        }
        string type = dtype.GetString()!;
        if (SafetensorsEntry.WidthOf(type) is not int width)
            throw Broken(file, $"the tensor '{name}' has the unknown type {type}");
        var bytes = (UInt128)width;
        foreach (long dimension in dimensions)
        {
            bytes *= (UInt128)dimension;
            if (bytes > long.MaxValue)
                throw Broken(file, $"the shape of '{name}' has more elements than a file can hold");
        }
        if (begin > end || end - begin != (long)bytes)
        {
            throw Broken(
                file,
                $"the tensor '{name}' has the bytes {begin} to {end}, "
                    + $"but its shape [{string.Join(", ", dimensions)}] in {type} needs {bytes}"
            );
        }
        return new SafetensorsEntry(name, type, dimensions, begin, end);
    }

    /// <summary>A list of non-negative whole numbers; null if it is something else.</summary>
    private static long[]? Numbers(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array)
            return null;
        long[] numbers = new long[list.GetArrayLength()];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (list[i].ValueKind != JsonValueKind.Number || !list[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
                return null;
        }
        return numbers;
    }

    /// <summary>Sorts tensors by offset, and checks that they cover the file without overlaps and gaps.</summary>
    private static void CheckPlaces(string file, List<SafetensorsEntry> entries, long dataLength)
    {
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        long reached = 0;
        string? before = null;
        foreach (SafetensorsEntry entry in entries)
        {
            if (entry.End > dataLength)
                throw Broken(
                    file,
                    $"the tensor '{entry.Name}' ends at byte {entry.End} of {dataLength} that are there (was the file cut off?)"
                );
            if (entry.Begin < reached)
                throw Broken(file, $"the tensor '{entry.Name}' overlaps '{before}'");
            if (entry.Begin > reached)
                throw Broken(file, $"no tensor owns the bytes {reached} to {entry.Begin}");
            reached = entry.End;
            before = entry.Name;
        }
        if (reached != dataLength)
            throw Broken(file, $"{dataLength - reached} bytes follow its last tensor");
    }

    private static InputException Broken(string file, string why, Exception? inner = null)
    {
        string sentence = $"'{file}' is not a valid safetensors file, {why}: copy it again from its source.";
        return inner is null ? new InputException(sentence) : new InputException(sentence, inner);
    }
}
