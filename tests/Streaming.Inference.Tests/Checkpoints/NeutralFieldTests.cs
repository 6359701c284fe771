using System.Text;
using System.Text.Json.Nodes;
using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Fields whose values change nothing are accepted; the others are applied or refused by name.</summary>
public class NeutralFieldTests
{
    [Theory]
    [InlineData("attention_bias", "false"), InlineData("attention_bias", "null"), InlineData("mlp_bias", "false")]
    [InlineData("sliding_window", "null"), InlineData("use_sliding_window", "false"), InlineData("use_sliding_window", "null")]
    [InlineData("partial_rotary_factor", "1.0"), InlineData("partial_rotary_factor", "null")]
    [InlineData("attn_logit_softcapping", "null"), InlineData("final_logit_softcapping", "null"), InlineData("clip_qkv", "null")]
    [InlineData("attention_chunk_size", "null"), InlineData("no_rope_layers", "null"), InlineData("no_rope_layers", "[1,1]")]
    [InlineData("no_rope_layers", "[]"), InlineData("embedding_multiplier", "1.0"), InlineData("residual_multiplier", "1")]
    [InlineData("logits_scaling", "1.0"), InlineData("attention_multiplier", "0.25"), InlineData("num_local_experts", "0")]
    [InlineData("num_experts", "null"), InlineData("n_routed_experts", "0"), InlineData("moe_intermediate_size", "0")]
    [InlineData("alibi", "false"), InlineData("position_embedding_type", "\"rope\""), InlineData("quantization_config", "null")]
    [InlineData("compression_config", "null"), InlineData("rope_scaling", "null"), InlineData("rope_scaling", "{}")]
    [InlineData("rope_scaling", """{"rope_type":"default"}"""), InlineData("rope_parameters", """{"rope_theta":10000.0}""")]
    [InlineData("rope_scaling", """{"type":"default","rope_type":"default","partial_rotary_factor":1.0}""")]
    [InlineData("layer_types", """["full_attention","full_attention"]"""), InlineData("tie_word_embeddings", "false")]
    [InlineData("hidden_act", "null"), InlineData("num_key_value_heads", "null"), InlineData("head_dim", "null")]
    public void A_neutral_value_is_accepted_and_changes_nothing(string field, string value) =>
        Assert.Equal(Read(null, "null"), Read(field, value));

    [Theory]
    [InlineData("embedding_multiplier", "12"), InlineData("residual_multiplier", "0.22"), InlineData("logits_scaling", "8")]
    [InlineData("attention_multiplier", "0.015625"), InlineData("attn_logit_softcapping", "50.0")]
    [InlineData("final_logit_softcapping", "30.0"), InlineData("clip_qkv", "8"), InlineData("attention_chunk_size", "8192")]
    [InlineData("no_rope_layers", "[1,0]"), InlineData("num_local_experts", "8"), InlineData("num_experts", "1")]
    [InlineData("moe_intermediate_size", "768"), InlineData("mlp_bias", "true"), InlineData("partial_rotary_factor", "0.75")]
    [InlineData("quantization_config", """{"quant_method":"compressed-tensors","format":"pack-quantized"}""")]
    [InlineData("compression_config", """{"quant_method":"compressed-tensors","format":"float-quantized"}""")]
    [InlineData("quantization", """{"group_size":64,"bits":4}""")]
    public void Any_other_value_is_refused_by_name(string field, string value)
    {
        string sentence = Assert.Throws<InputException>(() => Read(field, value)).Message;
        Assert.Contains($"'{field}'", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_key_value_heads_are_as_many_as_query_heads_whatever_the_familys_default()
    {
        const string qwen = "Qwen2ForCausalLM";
        Assert.Equal(4, Read("num_key_value_heads", "null", qwen).KeyValueHeads);
        Assert.Equal(2, Read("num_key_value_heads", "2", qwen).KeyValueHeads);
    }

    [Theory]
    [InlineData("rope_scaling", """{"rope_theta":500000.0}""", 500_000)]
    [InlineData("rope_scaling", """{"rope_type":"default","rope_theta":500000.0}""", 500_000)]
    [InlineData("rope_scaling", """{"rope_type":"linear","factor":2.0,"rope_theta":1000000}""", 1_000_000)]
    [InlineData("rope_scaling", """{"rope_type":"linear","factor":2.0,"rope_theta":null}""", 10_000)]
    [InlineData("rope_parameters", """{"rope_theta":500000.0}""", 500_000)]
    [InlineData("rope_parameters", """{"rope_type":"linear","factor":2.0,"rope_theta":1000000}""", 1_000_000)]
    public void The_base_of_RoPE_is_read_from_inside_either_section(string section, string value, double expected)
    {
        Assert.Equal(expected, Read(section, value).RopeTheta);
        Assert.Equal(expected == 10_000 ? 777 : expected, Read(section, value, top: "\"rope_theta\":777,").RopeTheta);
    }

    [Theory]
    [InlineData("rope_parameters", """{"full_attention":{"rope_type":"default","rope_theta":1e6}}""", "rope_parameters.full_attention")]
    [InlineData(
        "rope_parameters",
        """{"sliding_attention":{"rope_theta":1e4},"rope_type":"default"}""",
        "rope_parameters.sliding_attention"
    )]
    [InlineData("rope_scaling", """{"rope_type":"yarn","type":"linear","factor":2}""", "rope_scaling.type")]
    [InlineData("rope_scaling", """{"factor":2}""", "rope_scaling")]
    [InlineData("rope_parameters", """{"factor":2,"rope_theta":1e4}""", "rope_parameters")]
    [InlineData("rope_scaling", """{"rope_type":"default","rope_theta":0}""", "rope_scaling.rope_theta")]
    [InlineData("rope_scaling", """{"rope_type":"mrope","mrope_section":[1,1]}""", "rope_scaling")]
    public void Parameters_of_RoPE_that_differ_by_layer_or_are_ambiguous_are_refused_by_name(string field, string value, string named)
    {
        string sentence = Assert.Throws<InputException>(() => Read(field, value)).Message;
        Assert.Contains($"'{named}'", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Type_and_rope_type_may_both_name_the_same_scaling()
    {
        Assert.Equal(new LinearRope(2), Read("rope_scaling", """{"rope_type":"linear","type":"linear","factor":2}""").RopeScaling);
        Assert.IsType<LongRope>(
            Read(
                "rope_scaling",
                """{"rope_type":"longrope","type":"su","short_factor":[1,1,1,1,1,1,1,1],"long_factor":[1,1,1,1,1,1,1,2]}"""
            ).RopeScaling
        );
    }

    private static ModelConfig Read(string? field, string value, string architecture = "LlamaForCausalLM", string top = "")
    {
        JsonObject config = JsonNode
            .Parse(
                $$"""
                {"architectures":["{{architecture}}"],{{top}}"hidden_size":64,"intermediate_size":64,"max_position_embeddings":100,
                "num_attention_heads":4,"num_hidden_layers":2,"vocab_size":10}
                """
            )!
            .AsObject();
        if (field is not null)
            config[field] = JsonNode.Parse(value);
        return Architectures.Read(ConfigReader.Parse("config.json", Encoding.UTF8.GetBytes(config.ToJsonString())));
    }
}
