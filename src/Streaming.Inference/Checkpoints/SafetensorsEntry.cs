using TorchSharp;

namespace Streaming.Inference.Checkpoints;

/// <summary>A tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Its type as in the header, such as BF16.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Begin">Offset of its first byte from the end of the header.</param>
/// <param name="End">Offset of the byte after its last.</param>
internal sealed record SafetensorsEntry(string Name, string DType, long[] Shape, long Begin, long End)
{
    /// <summary>Bytes of an element by type, for the format's byte-aligned types.</summary>
    private static readonly Dictionary<string, int> Widths = new()
    {
        ["BOOL"] = 1,
        ["U8"] = 1,
        ["I8"] = 1,
        ["F8_E4M3"] = 1,
        ["F8_E5M2"] = 1,
        ["I16"] = 2,
        ["U16"] = 2,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I32"] = 4,
        ["U32"] = 4,
        ["F32"] = 4,
        ["I64"] = 8,
        ["U64"] = 8,
        ["F64"] = 8,
    };

    /// <summary>Bytes of an element of a type; null for an unknown type.</summary>
    public static int? WidthOf(string dtype) => Widths.TryGetValue(dtype, out int width) ? width : null;

    /// <summary>Bytes of an element.</summary>
    public int Width => Widths[DType];

    /// <summary>libtorch's type; null if weights of this type are not supported.</summary>
    public torch.ScalarType? ScalarType =>
        DType switch
        {
            "F32" => torch.ScalarType.Float32,
            "BF16" => torch.ScalarType.BFloat16,
            "F16" => torch.ScalarType.Float16,
            _ => null,
        };
}
