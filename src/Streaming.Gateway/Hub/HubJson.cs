using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Streaming.Gateway.Hub;

/// <summary>How the contract's types stand in JSON; MessagePack takes names and values from here too.</summary>
internal static class HubJson
{
    /// <summary>camelCase, nothing for null, times in UTC.</summary>
    public static readonly JsonSerializerOptions Options = Apply(new JsonSerializerOptions());

    /// <summary>Sets all of it on the hub's options.</summary>
    public static JsonSerializerOptions Apply(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = true;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // The hub's JSON never stands inside HTML.
        options.Converters.Add(new UtcTimeConverter());
        options.Converters.Add(new AnyTextConverter());
        return options;
    }
}

/// <summary>Times as <c>2026-01-31T12:00:00.000Z</c>, as browsers write them.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The format, of a time in UTC.</summary>
    public const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <inheritdoc />
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString(Format));
}

/// <summary>
/// Texts, also those with half a surrogate pair, which <see cref="Utf8JsonReader.GetString"/> does not read: the hub can then
/// say what is wrong with them, where otherwise the whole call would fail without a word.
/// </summary>
internal sealed class AnyTextConverter : JsonConverter<string>
{
    /// <inheritdoc />
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException($"A text was expected, not {reader.TokenType}.");
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException) when (reader.ValueIsEscaped)
        {
            ReadOnlySpan<byte> escaped = reader.HasValueSequence ? JoinSequence(ref reader) : reader.ValueSpan;
            return Unescape(Encoding.UTF8.GetString(escaped));
        }
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    private static byte[] JoinSequence(ref Utf8JsonReader reader)
    {
        byte[] joined = new byte[reader.ValueSequence.Length];
        int filled = 0;
        foreach (ReadOnlyMemory<byte> part in reader.ValueSequence)
        {
            part.Span.CopyTo(joined.AsSpan(filled));
            filled += part.Length;
        }
        return joined;
    }

    /// <summary>The escapes are known to be well-formed: the reader has parsed them.</summary>
    private static string Unescape(string escaped)
    {
        var text = new StringBuilder(escaped.Length);
        for (int i = 0; i < escaped.Length; i++)
        {
            if (escaped[i] != '\\')
            {
                text.Append(escaped[i]);
                continue;
            }
            i++;
            text.Append(
                escaped[i] switch
                {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\b',
                    'f' => '\f',
                    'u' => (char)Convert.ToUInt16(escaped.Substring(i + 1, 4), 16),
                    var itself => itself,
                }
            );
            if (escaped[i] == 'u')
                i += 4;
        }
        return text.ToString();
    }
}
