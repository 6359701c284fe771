using System.Text;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Folders whose files are links, as in Hugging Face's download cache.</summary>
public sealed class LinkedCheckpointTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>SHA-256 as documented at CheckpointFingerprint, by Python's hashlib over the files of <see cref="WritePlain"/>.</summary>
    private const string SmallFingerprint = "5ea7be7ff3494a513e7ae42a2fdbf9e21da2221722d393ccaf130df3638202c6",
        LargeFingerprint = "00b9ce536e12293f99a529cadf4c3675996e83495011a9d9d5f89b3dff735a6b";

    private readonly string _root = Directory.CreateTempSubdirectory("links-").FullName;

    public static readonly TheoryData<int, string> Sizes = new()
    {
        { 8, SmallFingerprint },
        { 20 << 20, LargeFingerprint }, // 80 MiB: only blocks of it are hashed
    };

    [Theory, MemberData(nameof(Sizes))]
    public void Links_have_the_fingerprint_of_their_files(int numbers, string fingerprint)
    {
        string plain = WritePlain(numbers),
            linked = LinkInto(plain, "models--owner--Small-Model", "snapshots", Commit);

        using Checkpoint files = Checkpoint.Open(plain),
            links = Checkpoint.Open(linked);

        Assert.Equal(fingerprint, files.Fingerprint);
        Assert.Equal(fingerprint, links.Fingerprint);
    }

    [Theory]
    [InlineData("Small-Model", "models--owner--Small-Model", "snapshots", Commit)]
    [InlineData("gpt2", "models--gpt2", "snapshots", "main")]
    [InlineData(Commit, "mine", "snapshots", Commit)]
    [InlineData("my-model", "models--owner--Small-Model", "my-model")]
    public void A_download_caches_snapshot_has_the_repositorys_name(string name, params string[] folder)
    {
        using var checkpoint = Checkpoint.Open(LinkInto(WritePlain(8), folder));
        Assert.Equal(name, checkpoint.Name);
    }

    [Fact]
    public void A_link_to_a_folder_keeps_the_name_that_was_given()
    {
        string plain = WritePlain(8),
            link = Path.Combine(_root, "current");
        Directory.CreateSymbolicLink(link, plain);
        using var checkpoint = Checkpoint.Open(link);
        Assert.Equal(("current", SmallFingerprint), (checkpoint.Name, checkpoint.Fingerprint));
    }

    [Theory]
    [InlineData("config.json"), InlineData("generation_config.json"), InlineData("chat_template.jinja")]
    [InlineData("tokenizer_config.json"), InlineData("model.safetensors"), InlineData("model.safetensors.index.json")]
    [InlineData("extra.safetensors")]
    public void A_link_whose_file_is_absent_is_named_with_what_to_do(string name)
    {
        string linked = LinkInto(WritePlain(8), "linked");
        File.Delete(Path.Combine(linked, name));
        if (name == "extra.safetensors")
            File.Delete(Path.Combine(linked, "model.safetensors"));
        File.CreateSymbolicLink(Path.Combine(linked, name), "../../blobs/none");

        CheckpointTests.AssertRefused(linked, Path.Combine(linked, name), "a link to '../../blobs/none'", "download");
    }

    [Fact]
    public void A_shard_that_is_a_link_to_nothing_is_named()
    {
        string linked = LinkInto(WritePlain(8), "linked");
        File.WriteAllText(
            Path.Combine(linked, "model.safetensors.index.json"),
            """{"weight_map":{"model.embed_tokens.weight":"shard.safetensors"}}"""
        );
        File.CreateSymbolicLink(Path.Combine(linked, "shard.safetensors"), "absent");

        CheckpointTests.AssertRefused(linked, "shard.safetensors", "a link to 'absent'");
    }

    [Fact]
    public void Links_that_name_each_other_are_refused()
    {
        string linked = LinkInto(WritePlain(8), "linked"),
            config = Path.Combine(linked, "config.json");
        File.Delete(config);
        File.CreateSymbolicLink(config, "other.json");
        File.CreateSymbolicLink(Path.Combine(linked, "other.json"), "config.json");

        CheckpointTests.AssertRefused(linked, config, "a link to 'other.json'");
    }

    [Fact]
    public void The_root_of_a_download_cache_is_answered_with_the_folder_to_name()
    {
        string linked = LinkInto(WritePlain(8), "models--owner--Small-Model", "snapshots", Commit);
        CheckpointTests.AssertRefused(Path.Combine(_root, "models--owner--Small-Model"), $"'{linked}'");
    }

    [Theory]
    [InlineData("tokenizer.model"), InlineData("tekken.json"), InlineData("vocab.json")]
    public void A_folder_with_another_tokenizers_file_is_answered_with_how_to_convert_it(string name)
    {
        string plain = WritePlain(8);
        File.Delete(Path.Combine(plain, "tokenizer.json"));
        File.WriteAllText(Path.Combine(plain, name), "");

        string sentence = Assert.Throws<InputException>(() => Tokenizer.Load(plain)).Message;

        Assert.StartsWith($"'{plain}' has {name} but no tokenizer.json", sentence, StringComparison.Ordinal);
        Assert.Contains("AutoTokenizer.from_pretrained", sentence, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>A checkpoint of files: its embedding has so many zeros, the last byte of a large one excepted.</summary>
    private string WritePlain(int numbers)
    {
        string folder = Path.Combine(_root, "plain");
        Directory.CreateDirectory(folder);
        File.WriteAllText(
            Path.Combine(folder, "config.json"),
            """
            {"architectures":["LlamaForCausalLM"],"hidden_size":8,"intermediate_size":8,"max_position_embeddings":16,
            "num_attention_heads":2,"num_hidden_layers":1,"tie_word_embeddings":true,"vocab_size":4}
            """.ReplaceLineEndings("")
        );
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), """{"tokens":1}""");
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "{{ messages }}");
        byte[] header = Encoding.UTF8.GetBytes(
            $$$"""{"model.embed_tokens.weight":{"dtype":"F32","shape":[{{{numbers}}}],"data_offsets":[0,{{{4L * numbers}}}]}}"""
        );
        using FileStream weights = File.Create(Path.Combine(folder, "model.safetensors"));
        weights.Write(BitConverter.GetBytes((ulong)header.Length));
        weights.Write(header);
        weights.SetLength(weights.Position + 4L * numbers);
        if (numbers > 8)
        {
            weights.Position = weights.Length - 1;
            weights.WriteByte(0x3F);
        }
        return folder;
    }

    /// <summary>A folder with links to a folder's files.</summary>
    private string LinkInto(string plain, params string[] folder)
    {
        string linked = Path.Combine([_root, .. folder]);
        Directory.CreateDirectory(linked);
        foreach (string file in Directory.EnumerateFiles(plain))
            File.CreateSymbolicLink(Path.Combine(linked, Path.GetFileName(file)), Path.GetRelativePath(linked, file));
        return linked;
    }
}
