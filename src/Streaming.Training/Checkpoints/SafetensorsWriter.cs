using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Streaming.Training.Checkpoints;

/// <summary>Writes safetensors files: the header's length in eight bytes, the header in JSON, then the tensors.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes tensors of type float32 or bfloat16.</summary>
    /// <param name="stream">The stream to write to.</param>
    /// <param name="tensors">Names and values.</param>
    /// <param name="metadata">The header's metadata.</param>
    /// <exception cref="ArgumentException">A tensor has another type.</exception>
    public static void Write(
        Stream stream,
        IReadOnlyList<(string Name, Tensor Value)> tensors,
        IReadOnlyDictionary<string, string> metadata
    )
    {
        using IDisposable noGradient = no_grad();
        var header = new JsonObject
        {
            ["__metadata__"] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value))),
        };
        long start = 0;
        foreach ((string name, Tensor value) in tensors)
        {
            long end = start + value.numel() * value.element_size();
            header[name] = new JsonObject
            {
                ["dtype"] = NameOf(value.dtype),
                ["shape"] = new JsonArray([.. value.shape.Select(n => JsonValue.Create(n))]),
                ["data_offsets"] = new JsonArray(start, end),
            };
            start = end;
        }
        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] head = new byte[8 + (text.Length + 7) / 8 * 8]; // tensors begin at a multiple of eight
        head.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteInt64LittleEndian(head, head.Length - 8);
        text.CopyTo(head, 8);
        stream.Write(head);
        foreach ((_, Tensor value) in tensors)
        {
            using Tensor whole = value.detach().cpu().contiguous();
            stream.Write(whole.bytes);
        }
    }

    private static string NameOf(ScalarType type) =>
        type switch
        {
            ScalarType.Float32 => "F32",
            ScalarType.BFloat16 => "BF16",
            _ => throw new ArgumentException($"A tensor of type {type} cannot be written: use float32 or bfloat16.", nameof(type)),
        };
}
