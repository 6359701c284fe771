using System.Text.Json;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Streaming.Gateway.Hub;

/// <summary>
/// The hub's MessagePack: what is in <see cref="HubJson"/>, converted by the package itself, so that both have the same names and
/// values.
/// </summary>
internal static class HubMessagePack
{
    /// <summary>The options; input is not trusted.</summary>
    public static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions
        .Standard.WithResolver(CompositeResolver.Create(BuiltinResolver.Instance, PrimitiveObjectResolver.Instance, new JsonResolver()))
        .WithSecurity(MessagePackSecurity.UntrustedData);

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
            using var json = new StringWriter();
            MessagePackSerializer.ConvertToJson(ref reader, json, options);
            return JsonSerializer.Deserialize<T>(json.ToString(), HubJson.Options)!;
        }
    }
}
