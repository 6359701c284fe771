using Streaming.Inference.Checkpoints;
using TorchSharp;

namespace Streaming.Inference.Tests.Checkpoints;

public class SafetensorsTests
{
    private const string Good = """
        {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16",
        "shape":[2,1],"data_offsets":[8,12]}}
        """;

    [Fact]
    public void Reads_a_valid_file()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(Good, [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f), 0x00, 0x3C, 0x00, 0xC0]);
        using var weights = SafetensorsWeights.Open(folder.Folder);
        using torch.Tensor a = weights.Read("a", 2),
            b = weights.Read("b", 2, 1),
            wide = b.to_type(torch.ScalarType.Float32);
        Assert.Equal([1.5f, -2f], a.data<float>().ToArray());
        Assert.Equal(torch.ScalarType.Float16, b.dtype);
        Assert.Equal([1f, -2f], wide.data<float>().ToArray());
    }

    [Fact]
    public void Refuses_a_tensor_of_another_shape_or_name()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(Good, new byte[12]);
        using var weights = SafetensorsWeights.Open(folder.Folder);
        AssertSentence(() => weights.Read("b", 1, 2), "'b'", "[2, 1]", "[1, 2]", "model.safetensors");
        AssertSentence(() => weights.Read("c", 2), "'c'");
    }

    [Fact]
    public void Refuses_a_tensor_of_an_unsupported_type_when_it_is_read()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights("""{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}""", new byte[8]);
        using var weights = SafetensorsWeights.Open(folder.Folder);
        AssertSentence(() => weights.Read("a", 1), "I64");
    }

    [Theory]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
        "overlaps"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""",
        "cut off"
    )]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "no tensor owns")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "follow its last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "needs 12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "needs 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "a shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,16],"data_offsets":[0,8]}}""", "more elements")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F12","shape":[2],"data_offsets":[0,8]}}""", "F12")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "twice")]
    [InlineData("""{"a":7}""", "'a'")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("{", "not valid JSON")]
    public void Refuses_a_header_with_false_values(string header, string why)
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(header, new byte[8]);
        AssertSentence(() => SafetensorsWeights.Open(folder.Folder), "model.safetensors", why);
    }

    [Theory]
    [InlineData(2UL << 40)]
    [InlineData(ulong.MaxValue)]
    [InlineData(50_000_000UL)]
    public void Refuses_a_header_longer_than_the_file(ulong stated)
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(Good, new byte[12], statedLength: stated);
        AssertSentence(() => SafetensorsWeights.Open(folder.Folder), $"a header of {stated} bytes");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(5_000)]
    [InlineData(11_000_000)]
    public void Refuses_a_truncated_file(long length)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        using (FileStream file = File.OpenWrite(folder.PathOf("model.safetensors")))
            file.SetLength(length);
        CheckpointTests.AssertRefused(folder.Folder, "model.safetensors", "copy it again");
    }

    [Fact]
    public void Reads_weights_from_several_files()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(One("a"), BitConverter.GetBytes(1f), "model-00001-of-00002.safetensors");
        folder.WriteWeights(One("b"), BitConverter.GetBytes(2f), "model-00002-of-00002.safetensors");
        AssertReads(folder);
        File.WriteAllText(
            folder.PathOf("model.safetensors.index.json"),
            """{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}"""
        );
        folder.WriteWeights("not read, because the index does not name it", [], "other.safetensors");
        AssertReads(folder);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../model-1.safetensors"}}""", "../model-1.safetensors")]
    [InlineData("""{"weight_map":{"a":"missing.safetensors"}}""", "missing.safetensors")]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","c":"model-1.safetensors"}}""", "'c'")]
    [InlineData("{}", "weight_map")]
    public void Refuses_an_index_that_does_not_match_the_files(string index, string named)
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(One("a"), new byte[4], "model-1.safetensors");
        File.WriteAllText(folder.PathOf("model.safetensors.index.json"), index);
        AssertSentence(() => SafetensorsWeights.Open(folder.Folder), named, "index.json");
    }

    [Fact]
    public void Refuses_a_tensor_in_two_files()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights(One("a"), new byte[4], "x.safetensors");
        folder.WriteWeights(One("a"), new byte[4], "y.safetensors");
        AssertSentence(() => SafetensorsWeights.Open(folder.Folder), "'a'", "x.safetensors", "y.safetensors");
    }

    private static string One(string name) =>
        """{"NAME":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""".Replace("NAME", name, StringComparison.Ordinal);

    private static void AssertReads(TemporaryCheckpoint folder)
    {
        using var weights = SafetensorsWeights.Open(folder.Folder);
        using torch.Tensor a = weights.Read("a", 1),
            b = weights.Read("b", 1);
        Assert.Equal([1f, 2f], [a.item<float>(), b.item<float>()]);
    }

    private static void AssertSentence(Func<object> act, params string[] mentions)
    {
        InputException e = Assert.Throws<InputException>(act);
        Assert.DoesNotContain('\n', e.Message);
        Assert.All(mentions, m => Assert.Contains(m, e.Message, StringComparison.Ordinal));
    }
}
