using System.Text.Json;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Streaming.Gateway.Hub;

/// <summary>
/// The hub's MessagePack: what is in <see cref="HubJson"/>, converted by the package itself, so that both have the same names and
/// values, and refuse the same texts.
/// </summary>
internal static class HubMessagePack
{
    /// <summary>The options; input is not trusted.</summary>
    public static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions
        .Standard.WithResolver(
            CompositeResolver.Create(
                [new StrictStringFormatter()],
                [BuiltinResolver.Instance, PrimitiveObjectResolver.Instance, new JsonResolver()]
            )
        )
        .WithSecurity(MessagePackSecurity.UntrustedData);

    /// <summary>Reads a text; the package's own formatter replaces what is no UTF-8.</summary>
    private static string? ReadText(ref MessagePackReader reader) => reader.ReadStringSequence() is { } utf8 ? WireText.Decode(utf8) : null;

    private sealed class StrictStringFormatter : IMessagePackFormatter<string?>
    {
        public void Serialize(ref MessagePackWriter writer, string? value, MessagePackSerializerOptions options) => writer.Write(value);

        public string? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) => ReadText(ref reader);
    }

    private sealed class JsonResolver : IFormatterResolver
    {
        public IMessagePackFormatter<T>? GetFormatter<T>() => new JsonFormatter<T>();
    }

    private sealed class JsonFormatter<T> : IMessagePackFormatter<T>
    {
        public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options) =>
            MessagePackSerializer.ConvertFromJson(JsonSerializer.Serialize(value, HubJson.Options), ref writer, options);

        public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            MessagePackReader texts = reader.CreatePeekReader();
            RequireTexts(ref texts, options);
            using var json = new StringWriter();
            MessagePackSerializer.ConvertToJson(ref reader, json, options);
            return JsonSerializer.Deserialize<T>(json.ToString(), HubJson.Options)!;
        }

        /// <summary>Checks the texts in a value, because the conversion to JSON replaces what is no UTF-8.</summary>
        private static void RequireTexts(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            switch (reader.NextMessagePackType)
            {
                case MessagePackType.String:
                    ReadText(ref reader);
                    break;
                case MessagePackType.Array:
                    RequireTexts(ref reader, options, reader.ReadArrayHeader());
                    break;
                case MessagePackType.Map:
                    RequireTexts(ref reader, options, 2L * reader.ReadMapHeader());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        private static void RequireTexts(ref MessagePackReader reader, MessagePackSerializerOptions options, long values)
        {
            options.Security.DepthStep(ref reader);
            for (long i = 0; i < values; i++)
                RequireTexts(ref reader, options);
            reader.Depth--;
        }
    }
}
