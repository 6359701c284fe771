using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Tests.Decoding;
using TorchSharp;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>NaN and infinity in weights are found while they are loaded; a tied head may be stored under either name.</summary>
public class DamagedWeightsTests
{
    private const ushort NotANumber = 0x7FC0,
        Infinity = 0x7F80,
        MinusInfinity = 0xFF80; // bfloat16

    public static readonly TheoryData<string, int, ushort, DType, string> Cases = new()
    {
        { "model.norm.weight", 383, NotANumber, DType.Float32, "element 383" },
        { "model.layers.4.input_layernorm.weight", 0, Infinity, DType.BFloat16, "element 0" },
        { "model.layers.0.post_attention_layernorm.weight", 7, MinusInfinity, DType.Int8, "element 7" },
        { "model.embed_tokens.weight", 4095 * 384 + 383, NotANumber, DType.Int4, "row 4095" },
        { "model.layers.0.self_attn.k_proj.weight", 127 * 384, Infinity, DType.Int8, "row 127" },
        { "model.layers.2.mlp.up_proj.weight", 1000 * 384 + 5, MinusInfinity, DType.Int4, "row 1000" },
        { "model.layers.3.mlp.down_proj.weight", 1024 + 3, NotANumber, DType.BFloat16, "row 1" },
        { "model.layers.3.self_attn.o_proj.weight", 2, NotANumber, DType.Float32, "row 0" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void A_number_that_is_not_finite_is_refused_by_tensor_file_and_place(string name, int at, ushort bits, DType type, string place)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        Overwrite(folder.PathOf("model.safetensors"), name, at, bits);
        using var checkpoint = Checkpoint.Open(folder.Folder);

        string sentence = Assert
            .Throws<InputException>(() =>
                Decoder.Load(checkpoint.Config, checkpoint.Weights, new DecoderOptions { DType = type, Capacity = 8 })
            )
            .Message;

        Assert.Equal(
            $"'{folder.PathOf("model.safetensors")}': the tensor '{name}' contains NaN or infinity in {place}: "
                + "copy the file again from its source, or use another checkpoint.",
            sentence
        );
    }

    [Fact]
    public void Every_half_and_bfloat16_is_found_exactly_if_it_is_not_finite()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            bool half = Half.IsFinite(BitConverter.UInt16BitsToHalf((ushort)bits)),
                brain = float.IsFinite(BitConverter.UInt32BitsToSingle((uint)bits << 16));
            Assert.Equal(half ? -1 : 0, WeightConversion.IndexOfNotFinite(Bytes((ushort)bits), torch.ScalarType.Float16));
            Assert.Equal(brain ? -1 : 0, WeightConversion.IndexOfNotFinite(Bytes((ushort)bits), torch.ScalarType.BFloat16));
            Assert.Equal(brain ? -1 : 0, WeightConversion.IndexOfNotFinite(Bytes((uint)bits << 16), torch.ScalarType.Float32));
        }
    }

    [Theory]
    [InlineData(torch.ScalarType.Float32), InlineData(torch.ScalarType.BFloat16), InlineData(torch.ScalarType.Float16)]
    public void The_first_number_that_is_not_finite_is_found_at_any_place(torch.ScalarType type)
    {
        int width = type == torch.ScalarType.Float32 ? 4 : 2;
        for (int at = 0; at < 131; at++)
        {
            byte[] bytes = new byte[131 * width];
            Assert.Equal(-1, WeightConversion.IndexOfNotFinite(bytes, type));
            bytes.AsSpan(at * width, width).Fill(0xFF);
            bytes.AsSpan(130 * width, width).Fill(0xFF);
            Assert.Equal(at, WeightConversion.IndexOfNotFinite(bytes, type));
        }
    }

    [Theory]
    [InlineData(DType.Float32), InlineData(DType.Int8)]
    public void Tied_weights_may_be_stored_as_the_head_alone(DType type)
    {
        using TemporaryCheckpoint embedding = new(withWeights: true),
            head = new(withWeights: true);
        Rename(head.PathOf("model.safetensors"), "model.embed_tokens.weight", "lm_head.weight");

        Assert.Equal(LogitsOf(embedding, type), LogitsOf(head, type));
    }

    [Fact]
    public void A_head_alone_is_refused_if_the_weights_are_not_tied()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        Rename(folder.PathOf("model.safetensors"), "model.embed_tokens.weight", "lm_head.weight");
        folder.Edit("config.json", config => config["tie_word_embeddings"] = false);
        using var checkpoint = Checkpoint.Open(folder.Folder);

        InputException refused = Assert.Throws<InputException>(() =>
            Decoder.Load(checkpoint.Config, checkpoint.Weights, new DecoderOptions { DType = DType.Float32, Capacity = 8 })
        );

        Assert.Contains("'model.embed_tokens.weight'", refused.Message, StringComparison.Ordinal);
    }

    private static float[] LogitsOf(TemporaryCheckpoint folder, DType type)
    {
        using var checkpoint = Checkpoint.Open(folder.Folder);
        using var decoder = Decoder.Load(checkpoint.Config, checkpoint.Weights, new DecoderOptions { DType = type, Capacity = 8 });
        return new TestStream(decoder, 0, new(4, 4)).Feed(new[] { 1, 2, 3 }, 3)[^1];
    }

    private static byte[] Bytes<T>(T bits)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in bits)).ToArray();

    private static void Overwrite(string file, string name, int at, ushort bits)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int header = (int)BitConverter.ToUInt64(bytes);
        JsonNode entry = JsonNode.Parse(bytes.AsSpan(8, header))![name]!;
        BitConverter.TryWriteBytes(bytes.AsSpan(8 + header + (int)entry["data_offsets"]![0]! + 2 * at), bits);
        File.WriteAllBytes(file, bytes);
    }

    private static void Rename(string file, string name, string other)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int length = (int)BitConverter.ToUInt64(bytes);
        JsonObject header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        JsonNode entry = header[name]!;
        header.Remove(name);
        header[other] = entry;
        byte[] renamed = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((ulong)renamed.Length), .. renamed, .. bytes[(8 + length)..]]);
    }
}
