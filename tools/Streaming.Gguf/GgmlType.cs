using System.Runtime.InteropServices;

namespace Streaming.Gguf;

/// <summary>How ggml stores the numbers of a tensor, with the values of the file format.</summary>
public enum GgmlType
{
    /// <summary>float32.</summary>
    F32 = 0,

    /// <summary>Blocks of 32 numbers of 4 bits with a scale in float16.</summary>
    Q4_0 = 2,

    /// <summary>Blocks of 32 numbers of 8 bits with a scale in float16.</summary>
    Q8_0 = 8,
}

/// <summary>The format of a type's blocks (ggml-quants.c: quantize_row_q8_0_ref, quantize_row_q4_0_ref).</summary>
public static class GgmlBlocks
{
    private const int Block = 32,
        ScaleBytes = 2;

    /// <summary>Numbers of a block; rows are whole blocks.</summary>
    public static int BlockLength(this GgmlType type) => type == GgmlType.F32 ? 1 : Block;

    /// <summary>Bytes of a number of values.</summary>
    public static long Bytes(this GgmlType type, long count) => count / type.BlockLength() * BlockBytes(type);

    /// <summary>Writes numbers, whole blocks of them.</summary>
    public static void Write(this GgmlType type, ReadOnlySpan<float> values, BinaryWriter writer)
    {
        if (type == GgmlType.F32)
        {
            writer.Write(MemoryMarshal.AsBytes(values));
            return;
        }
        const int blocksAtOnce = 4096;
        byte[] bytes = new byte[blocksAtOnce * BlockBytes(type)];
        for (int at = 0; at < values.Length; at += blocksAtOnce * Block)
        {
            ReadOnlySpan<float> part = values[at..Math.Min(values.Length, at + blocksAtOnce * Block)];
            int length = (int)type.Bytes(part.Length);
            Encode(type, part, bytes.AsSpan(0, length));
            writer.Write(bytes, 0, length);
        }
    }

    /// <summary>Numbers as blocks.</summary>
    public static void Encode(GgmlType type, ReadOnlySpan<float> values, Span<byte> blocks)
    {
        int bytes = BlockBytes(type);
        for (int block = 0; block * Block < values.Length; block++)
        {
            ReadOnlySpan<float> from = values.Slice(block * Block, Block);
            Span<byte> into = blocks.Slice(block * bytes, bytes);
            if (type == GgmlType.Q8_0)
                EncodeQ8(from, into);
            else
                EncodeQ4(from, into);
        }
    }

    private static int BlockBytes(GgmlType type) =>
        type switch
        {
            GgmlType.F32 => sizeof(float),
            GgmlType.Q4_0 => ScaleBytes + Block / 2,
            GgmlType.Q8_0 => ScaleBytes + Block,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No blocks are known of this type."),
        };

    private static void EncodeQ8(ReadOnlySpan<float> values, Span<byte> block)
    {
        float scale = Math.Abs(LargestByMagnitude(values)) / 127,
            inverse = scale == 0 ? 0 : 1 / scale;
        MemoryMarshal.Write(block, (Half)scale);
        for (int i = 0; i < Block; i++)
            block[ScaleBytes + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }

    /// <summary>The number of largest magnitude becomes -8. The first half of a block is in the lower bits of its bytes.</summary>
    private static void EncodeQ4(ReadOnlySpan<float> values, Span<byte> block)
    {
        float scale = LargestByMagnitude(values) / -8,
            inverse = scale == 0 ? 0 : 1 / scale;
        MemoryMarshal.Write(block, (Half)scale);
        for (int i = 0; i < Block / 2; i++)
            block[ScaleBytes + i] = (byte)(Nibble(values[i] * inverse) | Nibble(values[i + Block / 2] * inverse) << 4);
    }

    private static int Nibble(float scaled) => Math.Min(15, (int)(scaled + 8.5f));

    private static float LargestByMagnitude(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values)
        {
            if (MathF.Abs(value) > MathF.Abs(largest))
                largest = value;
        }
        return largest;
    }
}
