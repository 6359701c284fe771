using System.Text.Json.Nodes;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing;
using TorchSharp;

namespace Streaming.Inference.Tests.Checkpoints;

public class CheckpointTests
{
    [Fact]
    public void Reads_the_starter_checkpoint()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.Starter);
        Assert.Equal(
            new ModelConfig
            {
                Layers = 5,
                HiddenSize = 384,
                IntermediateSize = 1024,
                Heads = 6,
                KeyValueHeads = 2,
                HeadDim = 64,
                VocabularySize = 4096,
                ContextLength = 1024,
                RopeTheta = 10_000,
                NormEpsilon = 1e-5,
                TiedHead = true,
            },
            checkpoint.Config
        );
        Assert.Equal("starter", checkpoint.Name);
        Assert.Equal([2, 3], checkpoint.Generation.EndIds);
        Assert.Equal(0.7, checkpoint.Generation.Sampling.Temperature);
        Assert.Equal(0.9, checkpoint.Generation.Sampling.TopP);
        Assert.Equal(4096, Tokenizer.Load(checkpoint).Size);
    }

    [Fact]
    public void Sampling_is_greedy_if_do_sample_is_false()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.Stories260K);
        Assert.Equal(0, checkpoint.Generation.Sampling.Temperature);
        Assert.Equal([1, 2], checkpoint.Generation.EndIds);
    }

    [Fact]
    public void Reads_end_tokens_from_config_json_if_there_is_no_generation_config()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        File.Delete(folder.PathOf("generation_config.json"));
        folder.Edit("config.json", c => c["eos_token_id"] = 3);
        using var checkpoint = Checkpoint.Open(folder.Folder);
        Assert.Equal([3], checkpoint.Generation.EndIds);
        Assert.Equal(0.7, checkpoint.Generation.Sampling.Temperature);
    }

    [Fact]
    public void The_fingerprint_depends_on_the_contents_and_not_on_the_location()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        using var starter = Checkpoint.Open(ModelFolders.Starter);
        using (var copy = Checkpoint.Open(folder.Folder))
            Assert.Equal(starter.Fingerprint, copy.Fingerprint);
        using (FileStream weights = File.OpenWrite(folder.PathOf("model.safetensors")))
        {
            weights.Position = weights.Length - 1;
            weights.WriteByte(0x7B);
        }
        using (var other = Checkpoint.Open(folder.Folder))
            Assert.NotEqual(starter.Fingerprint, other.Fingerprint);
    }

    [Fact]
    public void Reads_a_tensor_in_its_stored_type()
    {
        using var checkpoint = Checkpoint.Open(ModelFolders.Starter);
        using torch.Tensor norm = checkpoint.Weights.Read("model.norm.weight", 384);
        Assert.Equal(torch.ScalarType.BFloat16, norm.dtype);
        byte[] file = File.ReadAllBytes(Path.Combine(ModelFolders.Starter, "model.safetensors"));
        int header = (int)BitConverter.ToUInt64(file);
        JsonNode entry = JsonNode.Parse(file.AsSpan(8, header))!["model.norm.weight"]!;
        int begin = 8 + header + (int)entry["data_offsets"]![0]!,
            end = 8 + header + (int)entry["data_offsets"]![1]!;
        Assert.Equal(file[begin..end], norm.bytes.ToArray());
    }

    [Fact]
    public void Reads_the_rope_base_from_rope_parameters_of_newer_files()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit(
            "config.json",
            c =>
            {
                c.Remove("rope_theta");
                c.Remove("rope_scaling");
                c["rope_parameters"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = 500_000.0 };
            }
        );
        using var checkpoint = Checkpoint.Open(folder.Folder);
        Assert.Equal(500_000, checkpoint.Config.RopeTheta);
    }

    [Theory]
    [InlineData("architectures", """["MixtralForCausalLM"]""", "MixtralForCausalLM")]
    [InlineData("architectures", """["LlamaForCausalLM","MistralForCausalLM"]""", "architectures")]
    [InlineData("architectures", "null", "architectures")]
    [InlineData("rope_scaling", """{"type":"dynamic","factor":2}""", "dynamic")]
    [InlineData("rope_scaling", """{"factor":2}""", "rope_scaling")]
    [InlineData("rope_scaling", """{"type":"linear"}""", "rope_scaling.factor")]
    [InlineData("rope_scaling", """{"type":"linear","factor":0.5}""", "rope_scaling.factor")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4,"truncate":false}""", "rope_scaling.truncate")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4,"beta_fast":0.5}""", "rope_scaling.beta_fast")]
    [InlineData("rope_scaling", """{"rope_type":"longrope","short_factor":[1],"long_factor":[1]}""", "rope_scaling.short_factor")]
    [InlineData("rope_parameters", """{"rope_type":"llama3","rope_theta":500000,"factor":8}""", "rope_parameters.low_freq_factor")]
    [InlineData("rope_parameters", """{"rope_type":"proportional"}""", "proportional")]
    [InlineData("rope_parameters", """{"rope_type":"default","partial_rotary_factor":0.5}""", "rope_parameters.partial_rotary_factor")]
    [InlineData("alibi", "true", "alibi")]
    [InlineData("position_embedding_type", "\"alibi\"", "position_embedding_type")]
    [InlineData("num_local_experts", "8", "num_local_experts")]
    [InlineData("num_experts", "8", "num_experts")]
    [InlineData("logits_scaling", "8", "logits_scaling")]
    [InlineData("attn_logit_softcapping", "50", "attn_logit_softcapping")]
    [InlineData("mlp_bias", "true", "mlp_bias")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act")]
    [InlineData("quantization_config", "{}", "quantization_config")]
    [InlineData("sliding_window", "0", "sliding_window")]
    [InlineData("partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [InlineData("layer_types", """["sliding_attention"]""", "sliding_window")]
    [InlineData("layer_types", """["full_attention","linear_attention"]""", "linear_attention")]
    [InlineData("num_key_value_heads", "4", "num_key_value_heads")]
    [InlineData("head_dim", "63", "head_dim")]
    [InlineData("hidden_size", "\"wide\"", "hidden_size")]
    [InlineData("num_hidden_layers", "0", "num_hidden_layers")]
    [InlineData("vocab_size", "null", "vocab_size")]
    [InlineData("rms_norm_eps", "-1", "rms_norm_eps")]
    [InlineData("eos_token_id", "\"end\"", "eos_token_id")]
    public void Refuses_an_invalid_or_unsupported_field_by_name(string field, string value, string named)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        File.Delete(folder.PathOf("generation_config.json"));
        folder.Edit("config.json", c => c[field] = JsonNode.Parse(value));
        AssertRefused(folder.Folder, named, "config.json");
    }

    [Theory]
    [InlineData("temperature", "-0.5")]
    [InlineData("top_p", "1.5")]
    [InlineData("top_k", "-1")]
    [InlineData("eos_token_id", "9999")]
    public void Refuses_a_generation_config_with_an_invalid_value(string field, string value)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("generation_config.json", c => c[field] = JsonNode.Parse(value));
        AssertRefused(folder.Folder, field);
    }

    [Fact]
    public void Names_a_missing_folder() => AssertRefused("/no/such/folder", "/no/such/folder");

    [Fact]
    public void Names_a_folder_without_config_or_weights()
    {
        using var folder = new TemporaryCheckpoint();
        AssertRefused(folder.Folder, "*.safetensors");
        File.Delete(folder.PathOf("config.json"));
        AssertRefused(folder.Folder, "config.json");
    }

    [Fact]
    public void Names_a_config_that_is_not_JSON_and_the_line()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        File.WriteAllText(folder.PathOf("config.json"), "{\n  \"hidden_size\": }");
        AssertRefused(folder.Folder, "config.json", "line 2");
    }

    internal static void AssertRefused(string folder, params string[] mentions)
    {
        InputException e = Assert.Throws<InputException>(() => Checkpoint.Open(folder).Dispose());
        Assert.DoesNotContain('\n', e.Message);
        Assert.All(mentions, m => Assert.Contains(m, e.Message, StringComparison.Ordinal));
    }
}
