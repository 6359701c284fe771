namespace Streaming.Inference.Tests.Families;

/// <summary>Small models of every family and every RoPE scaling, by name.</summary>
internal static class FamilyModels
{
    /// <param name="Config">Its <c>config.json</c>.</param>
    /// <param name="Capacity">Places of the slot, and of llama.cpp's cache.</param>
    public sealed record FamilyModel(string Config, int Capacity = 512);

    public static readonly IReadOnlyDictionary<string, FamilyModel> All = new Dictionary<string, FamilyModel>
    {
        ["Llama 2"] = Of("LlamaForCausalLM", """ "num_key_value_heads":4,"rope_theta":10000.0 """),
        ["Llama 3"] = Of("LlamaForCausalLM", """ "num_key_value_heads":2,"rope_theta":500000.0,"attention_bias":false """),
        ["Llama 3.1"] = Of(
            "LlamaForCausalLM",
            """
            "num_key_value_heads":2,"rope_theta":500000.0,"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,
            "high_freq_factor":4.0,"original_max_position_embeddings":128,"rope_type":"llama3"}
            """
        ),
        ["Llama 3.2"] = Of(
            "LlamaForCausalLM",
            """
            "num_key_value_heads":1,"rope_theta":500000.0,"head_dim":32,"tie_word_embeddings":true,
            "rope_scaling":{"factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
            "original_max_position_embeddings":64,"rope_type":"llama3"}
            """
        ),
        ["Llama, linear"] = Of(
            "LlamaForCausalLM",
            """ "num_key_value_heads":4,"rope_theta":10000.0,"rope_scaling":{"type":"linear","factor":4.0} """
        ),
        ["Llama, yarn"] = Of(
            "LlamaForCausalLM",
            """
            "num_key_value_heads":2,"rope_theta":10000.0,"rope_scaling":{"rope_type":"yarn","factor":8.0,
            "original_max_position_embeddings":64}
            """
        ),
        ["Llama, biases"] = Of("LlamaForCausalLM", """ "num_key_value_heads":2,"rope_theta":10000.0,"attention_bias":true """),
        ["TinyLlama"] = Of("LlamaForCausalLM", """ "num_key_value_heads":1,"rope_theta":10000.0,"rope_scaling":null """),
        ["SmolLM2"] = Of(
            "LlamaForCausalLM",
            """ "num_key_value_heads":2,"rope_theta":100000.0,"tie_word_embeddings":true,"rope_interleaved":false """
        ),
        ["Mistral"] = Of("MistralForCausalLM", """ "num_key_value_heads":2,"rope_theta":1000000.0,"head_dim":32,"sliding_window":null """),
        ["Mistral, sliding window"] = Of("MistralForCausalLM", """ "num_key_value_heads":2,"rope_theta":10000.0,"sliding_window":512 """),
        ["Qwen2"] = Of(
            "Qwen2ForCausalLM",
            """ "num_key_value_heads":2,"rope_theta":1000000.0,"tie_word_embeddings":true,"use_sliding_window":false,"sliding_window":64 """
        ),
        ["Qwen2.5, yarn"] = Of(
            "Qwen2ForCausalLM",
            """
            "num_key_value_heads":2,"rope_theta":1000000.0,"rope_scaling":{"type":"yarn","factor":4.0,
            "original_max_position_embeddings":128}
            """
        ),
        ["Qwen3"] = Of(
            "Qwen3ForCausalLM",
            """ "num_key_value_heads":2,"rope_theta":1000000.0,"head_dim":24,"tie_word_embeddings":true,"attention_bias":false """
        ),
        ["Phi-3"] = Of("Phi3ForCausalLM", """ "num_key_value_heads":4,"rope_theta":10000.0,"sliding_window":2047 """),
        ["Phi-3, longrope, short"] = Of("Phi3ForCausalLM", LongRope, capacity: 256),
        ["Phi-3, longrope, long"] = Of("Phi3ForCausalLM", LongRope, capacity: 512),
    };

    private const string LongRope = """
        "num_key_value_heads":2,"rope_theta":10000.0,"original_max_position_embeddings":256,
        "rope_scaling":{"type":"longrope","short_factor":[1.0,1.0,1.05,1.1,1.2,1.3,1.5,2.0],"long_factor":[1.0,1.5,2.5,
        4.0,6.0,9.0,14.0,20.0]}
        """;

    private static FamilyModel Of(string architecture, string fields, int capacity = 512) =>
        new(
            $$"""
            {"architectures":["{{architecture}}"],"hidden_act":"silu","hidden_size":64,"intermediate_size":96,
            "num_hidden_layers":3,"num_attention_heads":4,
             "vocab_size":128,"max_position_embeddings":4096,"rms_norm_eps":1e-05,{{fields}}}
            """,
            capacity
        );
}
