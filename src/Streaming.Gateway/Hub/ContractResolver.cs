using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Hub;

/// <summary>
/// The contract's types in MessagePack: maps with the very names, order and omissions of <see cref="HubJson"/>, whose
/// description of a type is read here instead of a second one.
/// </summary>
internal sealed class ContractResolver : IFormatterResolver
{
    /// <summary>Options for the hub; what comes from outside is not trusted.</summary>
    public static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions
        .Standard.WithResolver(
            CompositeResolver.Create(
                [new UtcTimeFormatter()],
                [new ContractResolver(), BuiltinResolver.Instance, DynamicGenericResolver.Instance, PrimitiveObjectResolver.Instance]
            )
        )
        .WithSecurity(MessagePackSecurity.UntrustedData);

    private static readonly Assembly[] Contracts = [typeof(Conversation).Assembly, typeof(ContractResolver).Assembly];

    private readonly ConcurrentDictionary<Type, IMessagePackFormatter?> _formatters = [];

    /// <inheritdoc />
    public IMessagePackFormatter<T>? GetFormatter<T>() =>
        (IMessagePackFormatter<T>?)
            _formatters.GetOrAdd(
                typeof(T),
                static type =>
                    type is { IsClass: true, IsGenericType: false } && Contracts.Contains(type.Assembly) ? new ContractFormatter<T>() : null
            );
}

/// <summary>One type of the contract.</summary>
internal sealed class ContractFormatter<T> : IMessagePackFormatter<T?>
{
    private static readonly JsonTypeInfo Description = HubJson.Options.GetTypeInfo(typeof(T));

    private static readonly Dictionary<string, JsonPropertyInfo> ByName = Description.Properties.ToDictionary(
        property => property.Name,
        StringComparer.OrdinalIgnoreCase
    );

    /// <inheritdoc />
    public void Serialize(ref MessagePackWriter writer, T? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }
        var present = new List<(JsonPropertyInfo Property, object Value)>(Description.Properties.Count);
        foreach (JsonPropertyInfo property in Description.Properties)
        {
            if (property.Get?.Invoke(value) is { } part)
                present.Add((property, part));
        }
        writer.WriteMapHeader(present.Count);
        foreach ((JsonPropertyInfo property, object part) in present)
        {
            writer.Write(property.Name);
            Write(ref writer, property.PropertyType, part, options);
        }
    }

    /// <inheritdoc />
    public T? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.TryReadNil())
            return default;
        if (Description.CreateObject is not { } create)
            throw new MessagePackSerializationException($"{typeof(T).Name} is only ever sent by the service.");

        options.Security.DepthStep(ref reader);
        var value = (T)create();
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            string name = reader.ReadString() ?? "";
            if (ByName.TryGetValue(name, out JsonPropertyInfo? property) && property.Set is { } set)
                set(value!, MessagePackSerializer.Deserialize(property.PropertyType, ref reader, options));
            else
                reader.Skip();
        }
        reader.Depth--;
        return value;
    }

    private static void Write(ref MessagePackWriter writer, Type type, object part, MessagePackSerializerOptions options)
    {
        switch (part)
        {
            // The events' fields, which are written for every piece of a reply, without a look-up.
            case string text:
                writer.Write(text);
                break;
            case long number:
                writer.Write(number);
                break;
            case int number:
                writer.Write(number);
                break;
            default:
                MessagePackSerializer.Serialize(type, ref writer, part, options);
                break;
        }
    }
}

/// <summary>Times as the texts that they are in JSON.</summary>
internal sealed class UtcTimeFormatter : IMessagePackFormatter<DateTimeOffset>
{
    /// <inheritdoc />
    public void Serialize(ref MessagePackWriter writer, DateTimeOffset value, MessagePackSerializerOptions options) =>
        writer.Write(value.UtcDateTime.ToString(UtcTimeConverter.Format));

    /// <inheritdoc />
    public DateTimeOffset Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        JsonSerializer.Deserialize<DateTimeOffset>($"\"{reader.ReadString()}\"", HubJson.Options);
}
