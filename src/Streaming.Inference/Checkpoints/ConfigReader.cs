using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// Reads a JSON file of a checkpoint. Every error is one sentence that names the file, the field and what to do.
/// </summary>
internal sealed class ConfigReader
{
    private readonly JsonElement _element;
    private readonly string _path; // of this object in the file: "" or "rope_parameters."

    private ConfigReader(string file, string path, JsonElement element)
    {
        File = file;
        _path = path;
        _element = element;
    }

    /// <summary>The file's full name, for messages.</summary>
    public string File { get; }

    /// <summary>Opens a required file.</summary>
    /// <exception cref="InputException">It is absent, unreadable or not a JSON object.</exception>
    public static ConfigReader Open(string folder, string name) =>
        OpenIfPresent(folder, name) ?? throw CheckpointFiles.Missing(folder, name);

    /// <summary>Opens an optional file; null if it is absent.</summary>
    /// <exception cref="InputException">It is unreadable or not a JSON object.</exception>
    public static ConfigReader? OpenIfPresent(string folder, string name)
    {
        string file = Path.Combine(folder, name);
        if (!CheckpointFiles.IsThere(file))
            return null;
        try
        {
            return Parse(file, System.IO.File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointFiles.Unreadable(file, e);
        }
    }

    /// <summary>Reads a JSON object from memory.</summary>
    public static ConfigReader Parse(string file, ReadOnlyMemory<byte> utf8)
    {
        JsonElement root;
        try
        {
            ReadOnlyMemory<byte> text = utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
            using var document = JsonDocument.Parse(text);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new InputException($"'{file}' is not valid JSON (line {e.LineNumber + 1}): copy the file again from its source.", e);
        }
        if (root.ValueKind != JsonValueKind.Object)
            throw new InputException($"'{file}' must hold a JSON object: copy the file again from its source.");
        return new ConfigReader(file, "", root);
    }

    /// <summary>Names of the object's fields, in order; a name may occur twice.</summary>
    public IEnumerable<string> Names => _element.EnumerateObject().Select(p => p.Name);

    /// <summary>Whether a field is present and not null.</summary>
    public bool Has(string field) => Find(field) is not null;

    /// <summary>The field's JSON; null if it is absent or null.</summary>
    public JsonElement? Find(string field) =>
        _element.TryGetProperty(field, out JsonElement value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined)
            ? value
            : null;

    /// <summary>A whole number; required if there is no default.</summary>
    public int Int(string field, int? whenAbsent = null, int least = 1) =>
        Find(field) switch
        {
            null => whenAbsent ?? throw Missing(field),
            { ValueKind: JsonValueKind.Number } e when e.TryGetInt32(out int value) && value >= least => value,
            _ => throw Wrong(field, $"a whole number of at least {least}"),
        };

    /// <summary>A finite number; required if there is no default.</summary>
    public double Double(string field, double? whenAbsent = null) =>
        Find(field) switch
        {
            null => whenAbsent ?? throw Missing(field),
            { ValueKind: JsonValueKind.Number } e when e.TryGetDouble(out double value) && double.IsFinite(value) => value,
            _ => throw Wrong(field, "a number"),
        };

    /// <summary>True or false.</summary>
    public bool Bool(string field, bool whenAbsent) =>
        Find(field) switch
        {
            null => whenAbsent,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            _ => throw Wrong(field, "true or false"),
        };

    /// <summary>A text; null if absent.</summary>
    public string? TextIfPresent(string field) =>
        Find(field) switch
        {
            null => null,
            { ValueKind: JsonValueKind.String } e => e.GetString(),
            _ => throw Wrong(field, "a text"),
        };

    /// <summary>A required text.</summary>
    public string Text(string field) => TextIfPresent(field) ?? throw Missing(field);

    /// <summary>A non-negative number or a list of them; empty if absent.</summary>
    public int[] Ints(string field)
    {
        JsonElement? found = Find(field);
        if (found is null)
            return [];
        JsonElement[] elements = found.Value.ValueKind == JsonValueKind.Array ? [.. found.Value.EnumerateArray()] : [found.Value];
        return
        [
            .. elements.Select(e =>
                e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int value) && value >= 0
                    ? value
                    : throw Wrong(field, "a number or a list of numbers")
            ),
        ];
    }

    /// <summary>A list of texts; empty if absent.</summary>
    public string[] Texts(string field) =>
        [.. List(field).Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Wrong(field, "a list of texts"))];

    /// <summary>A nested object; null if absent.</summary>
    public ConfigReader? SectionIfPresent(string field) =>
        Find(field) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Object } e => new ConfigReader(File, $"{_path}{field}.", e),
            _ => throw Wrong(field, "an object"),
        };

    /// <summary>A required nested object.</summary>
    public ConfigReader Section(string field) => SectionIfPresent(field) ?? throw Missing(field);

    /// <summary>A list of objects; empty if absent.</summary>
    public IEnumerable<ConfigReader> Sections(string field) =>
        List(field)
            .Select(
                (e, i) =>
                    e.ValueKind == JsonValueKind.Object
                        ? new ConfigReader(File, $"{_path}{field}[{i}].", e)
                        : throw Wrong(field, "a list of objects")
            );

    /// <summary>A list; empty if absent.</summary>
    public IEnumerable<JsonElement> List(string field) =>
        Find(field) switch
        {
            null => [],
            { ValueKind: JsonValueKind.Array } e => e.EnumerateArray(),
            _ => throw Wrong(field, "a list"),
        };

    /// <summary>The error for a missing field.</summary>
    public InputException Missing(string field) => new($"'{File}' lacks the field '{_path}{field}': use a complete checkpoint.");

    /// <summary>The error for an invalid value.</summary>
    public InputException Wrong(string field, string expected) =>
        new($"'{File}': the field '{_path}{field}' is {Shown(field)} and must be {expected}: correct the file or use another checkpoint.");

    /// <summary>The error for a valid value that is not supported.</summary>
    public InputException Unsupported(string field, string remedy) =>
        new($"'{File}': the field '{_path}{field}' is {Shown(field)}, which is not supported: {remedy}.");

    private string Shown(string field)
    {
        string text = _element.TryGetProperty(field, out JsonElement value) ? value.GetRawText() : "absent";
        text = text.ReplaceLineEndings(" ");
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
