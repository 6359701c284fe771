using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Hub;

/// <summary>The hub's JSON.</summary>
internal static class HubJson
{
    /// <summary><see cref="WireJson"/>, which also reads strings with half a surrogate pair.</summary>
    public static readonly JsonSerializerOptions Options = new(WireJson.Options) { Converters = { new AnyStringConverter() } };

    /// <summary>
    /// Reads strings with half a surrogate pair, at which <see cref="Utf8JsonReader.GetString"/> throws: the hub can then say what is
    /// wrong with the message.
    /// </summary>
    private sealed class AnyStringConverter : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new JsonException($"A string was expected, not {reader.TokenType}.");
            try
            {
                return reader.GetString();
            }
            catch (InvalidOperationException) when (reader.ValueIsEscaped)
            {
                // The reader has checked the escapes of JSON, all of which mean the same in a regular expression.
                byte[] escaped = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan.ToArray();
                return Regex.Unescape(Encoding.UTF8.GetString(escaped));
            }
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
