using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Streaming.Hosting.Http;

namespace Streaming.Gateway.Hub;

/// <summary>The hub's JSON.</summary>
internal static class HubJson
{
    /// <summary><see cref="WireJson"/>, which refuses invalid texts with their place.</summary>
    public static readonly JsonSerializerOptions Options = new(WireJson.Options) { Converters = { new StrictStringConverter() } };

    private sealed class StrictStringConverter : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
                throw new JsonException($"A string was expected, not {reader.TokenType}.");
            try
            {
                return reader.GetString();
            }
            catch (InvalidOperationException) // the text is invalid, which WireText says with the place
            {
                ReadOnlySequence<byte> utf8 = reader.HasValueSequence ? reader.ValueSequence : new(reader.ValueSpan.ToArray());
                return WireText.Decode(utf8, reader.ValueIsEscaped);
            }
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
