using System.Runtime.InteropServices;
using Streaming.Gguf;

namespace Streaming.Inference.Tests.Families;

/// <summary>Compares blocks with a reimplementation of ggml's dequantize_row_q8_0 and dequantize_row_q4_0.</summary>
public class GgmlBlocksTests
{
    private const int Block = 32,
        Count = 64 * Block;

    [Fact]
    public void Q8_0_is_read_back_within_half_a_step()
    {
        float[] values = RandomValues();
        ReadOnlySpan<byte> blocks = Encoded(GgmlType.Q8_0, values, bytesPerBlock: 34);
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<byte> block = blocks.Slice(i / Block * 34, 34);
            float scale = (float)MemoryMarshal.Read<Half>(block),
                read = scale * (sbyte)block[2 + i % Block];
            // float16 rounds the scale by up to 1/2048, which moves the last of 127 steps by 1/16.
            Assert.InRange(read - values[i], -0.58f * scale, 0.58f * scale);
        }
    }

    [Fact]
    public void Q4_0_is_read_back_within_half_a_step_except_the_largest_of_the_other_sign()
    {
        float[] values = RandomValues();
        ReadOnlySpan<byte> blocks = Encoded(GgmlType.Q4_0, values, bytesPerBlock: 18);
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<byte> block = blocks.Slice(i / Block * 18, 18);
            int place = i % Block,
                pair = block[2 + place % 16],
                nibble = place < 16 ? pair & 15 : pair >> 4;
            float scale = (float)MemoryMarshal.Read<Half>(block),
                read = scale * (nibble - 8),
                step = Math.Abs(scale);
            Assert.InRange(Math.Abs(read - values[i]), 0, (nibble == 15 ? 1.01f : 0.51f) * step);
        }
    }

    [Fact]
    public void A_block_of_zeros_stays_zero()
    {
        Assert.Equal(new byte[34], Encoded(GgmlType.Q8_0, new float[Block], bytesPerBlock: 34));
    }

    private static float[] RandomValues()
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, Count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    private static byte[] Encoded(GgmlType type, float[] values, int bytesPerBlock)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        type.Write(values, writer);
        writer.Flush();
        Assert.Equal(values.Length / Block * bytesPerBlock, stream.Length);
        Assert.Equal(stream.Length, type.Bytes(values.Length));
        return stream.ToArray();
    }
}
