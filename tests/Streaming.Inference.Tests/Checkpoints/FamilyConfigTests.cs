using Streaming.Inference.Caching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Decoding;
using Streaming.Inference.Kernels;
using Streaming.Inference.Serving;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Published configurations of each family, shortened to the relevant fields.</summary>
public class FamilyConfigTests
{
    private static ModelConfig Read(string json) =>
        Architectures.Read(ConfigReader.Parse("config.json", System.Text.Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Llama_3_2_has_a_tied_head_and_scales_as_Llama_3_1()
    {
        ModelConfig config = Read(
            """
            {"architectures":["LlamaForCausalLM"],"attention_bias":false,"head_dim":64,"hidden_act":"silu",
            "hidden_size":2048,"intermediate_size":8192,
             "max_position_embeddings":131072,"mlp_bias":false,"num_attention_heads":32,"num_hidden_layers":16,
             "num_key_value_heads":8,"pretraining_tp":1,
             "rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,
             "original_max_position_embeddings":8192,"rope_type":"llama3"},
             "rope_theta":500000.0,"tie_word_embeddings":true,"vocab_size":128256}
            """
        );
        Assert.Equal(
            new ModelConfig
            {
                Layers = 16,
                HiddenSize = 2048,
                IntermediateSize = 8192,
                Heads = 32,
                KeyValueHeads = 8,
                HeadDim = 64,
                VocabularySize = 128256,
                ContextLength = 131072,
                RopeTheta = 500_000,
                RopeScaling = new Llama3Rope(32, 1, 4, 8192),
                TiedHead = true,
            },
            config
        );
    }

    [Fact]
    public void Mistral_has_wide_heads_and_a_sliding_window_unless_the_file_says_null()
    {
        const string nemo = """
            {"architectures":["MistralForCausalLM"],"head_dim":128,"hidden_size":5120,"intermediate_size":14336,
            "max_position_embeddings":131072,
             "num_attention_heads":32,"num_hidden_layers":40,"num_key_value_heads":8,"rms_norm_eps":1e-05,
             "rope_theta":1000000.0,"sliding_window":null,
             "tie_word_embeddings":false,"vocab_size":131072}
            """;
        ModelConfig config = Read(nemo);
        Assert.Equal(
            (128, 8, null, 131072, false),
            (config.HeadDim, config.KeyValueHeads, config.SlidingWindow, config.MaxPlaces, config.TiedHead)
        );
        ModelConfig first = Read(nemo.Replace("\"sliding_window\":null", "\"sliding_window\":4096", StringComparison.Ordinal));
        Assert.Equal((4096, 4096, 131072), (first.SlidingWindow, first.MaxPlaces, first.ContextLength));
        Assert.Equal(4096, Read(nemo.Replace("\"sliding_window\":null,", "", StringComparison.Ordinal)).SlidingWindow);
    }

    private const string Qwen2 = """
        {"architectures":["Qwen2ForCausalLM"],"hidden_size":896,"intermediate_size":4864,
        "max_position_embeddings":32768,"max_window_layers":21,
         "num_attention_heads":14,"num_hidden_layers":24,"num_key_value_heads":2,"rms_norm_eps":1e-06,
         "rope_theta":1000000.0,"sliding_window":32768,
         "tie_word_embeddings":true,"use_sliding_window":false,"vocab_size":151936}
        """;

    [Fact]
    public void Qwen_2_has_biases_without_a_field_and_a_sliding_window_only_if_enabled()
    {
        ModelConfig config = Read(Qwen2);
        Assert.Equal(
            (true, false, false, 64, null),
            (config.QueryKeyValueBias, config.OutputBias, config.QueryKeyNorm, config.HeadDim, config.SlidingWindow)
        );
        Assert.Null(Read(Qwen2.Replace("\"use_sliding_window\":false,", "", StringComparison.Ordinal)).SlidingWindow);
        ModelConfig sliding = Read(
            Qwen2
                .Replace("\"use_sliding_window\":false", "\"use_sliding_window\":true", StringComparison.Ordinal)
                .Replace("\"sliding_window\":32768", "\"sliding_window\":4096", StringComparison.Ordinal)
        );
        Assert.Equal((4096, 4096), (sliding.SlidingWindow, sliding.MaxPlaces));
    }

    [Fact]
    public void Qwen_2_5_extends_its_context_with_YaRN()
    {
        ModelConfig config = Read(
            Qwen2.Insert(
                Qwen2.IndexOf("\"rms_norm_eps\"", StringComparison.Ordinal),
                """ "rope_scaling":{"factor":4.0,"original_max_position_embeddings":32768,"type":"yarn"},"""
            )
        );
        YarnRope yarn = Assert.IsType<YarnRope>(config.RopeScaling);
        Assert.Equal((131072, 32768, 32.0, 1.0), (config.ContextLength, yarn.OriginalContext, yarn.BetaFast, yarn.BetaSlow));
        Assert.Equal(0.1 * Math.Log(4) + 1, yarn.AttentionFactor, 15);
    }

    [Fact]
    public void Qwen_3_normalises_heads_of_an_explicit_width()
    {
        ModelConfig config = Read(
            """
            {"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"head_dim":128,"hidden_act":"silu",
            "hidden_size":1024,"intermediate_size":3072,
             "max_position_embeddings":40960,"max_window_layers":28,"num_attention_heads":16,"num_hidden_layers":28,
             "num_key_value_heads":8,"rms_norm_eps":1e-06,
             "rope_scaling":null,"rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,
             "use_sliding_window":false,"vocab_size":151936}
            """
        );
        Assert.Equal(
            (true, false, 128, 16, 40960),
            (config.QueryKeyNorm, config.QueryKeyValueBias, config.HeadDim, config.Heads, config.MaxPlaces)
        );
        Assert.Null(config.RopeScaling);
    }

    [Theory]
    [InlineData("longrope"), InlineData("su")]
    public void Phi_3_has_fused_projections_and_LongRoPE_with_an_attention_factor(string type)
    {
        ModelConfig config = Read(
            $$"""
            {"architectures":["Phi3ForCausalLM"],"attention_bias":false,"hidden_size":32,"intermediate_size":64,
            "max_position_embeddings":131072,
             "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":4,
             "original_max_position_embeddings":4096,"rms_norm_eps":1e-05,
             "rope_scaling":{"type":"{{type}}","short_factor":[1,1,1.1,1.2],"long_factor":[1,2,3,4]},
             "rope_theta":10000.0,"sliding_window":262144,"vocab_size":32064}
            """
        );
        Assert.Equal(
            (true, 131072, 262144, 131072),
            (config.FusedProjections, config.ContextLength, config.SlidingWindow, config.MaxPlaces)
        );
        LongRope scaling = Assert.IsType<LongRope>(config.RopeScaling);
        Assert.Equal(Math.Sqrt(1 + Math.Log(32) / Math.Log(4096)), scaling.AttentionFactor, 15);
        Assert.Equal([1, 2, 3, 4], scaling.Long);
    }

    [Fact]
    public void The_capacity_selects_the_LongRoPE_factors()
    {
        var config = new ModelConfig
        {
            Layers = 1,
            HiddenSize = 8,
            IntermediateSize = 8,
            Heads = 2,
            KeyValueHeads = 2,
            HeadDim = 4,
            VocabularySize = 10,
            ContextLength = 100,
            RopeTheta = 100,
            RopeScaling = new LongRope([1, 2], [10, 20], 50, 1.5),
        };
        Assert.Equal([1, 0.05], RotaryFrequencies.Of(config, 50));
        Assert.Equal([0.1, 0.005], RotaryFrequencies.Of(config, 51));
    }

    [Fact]
    public void Reads_all_of_rope_from_rope_parameters_of_newer_files()
    {
        ModelConfig config = Read(
            """
            {"architectures":["LlamaForCausalLM"],"hidden_size":64,"intermediate_size":64,"max_position_embeddings":100,
            "num_attention_heads":4,"num_hidden_layers":1,
             "rope_parameters":{"rope_type":"linear","factor":2.5,"rope_theta":777.0},"vocab_size":10,
             "layer_types":["full_attention"],"sliding_window":5}
            """
        );
        Assert.Equal(
            (new LinearRope(2.5), 777.0, 250, null),
            (config.RopeScaling, config.RopeTheta, config.ContextLength, config.SlidingWindow)
        );
        Assert.Equal((4, 1e-6), (config.KeyValueHeads, config.NormEpsilon));
    }

    [Fact]
    public void Llama_may_have_attention_biases_and_Mistral_may_not()
    {
        const string json = """
            {"architectures":["LlamaForCausalLM"],"attention_bias":true,"hidden_size":64,"intermediate_size":64,
            "max_position_embeddings":100,"num_attention_heads":8,"num_hidden_layers":1,"vocab_size":10}
            """;
        Assert.Equal((true, true), (Read(json).QueryKeyValueBias, Read(json).OutputBias));
        InputException refused = Assert.Throws<InputException>(() => Read(json.Replace("Llama", "Mistral", StringComparison.Ordinal)));
        Assert.Contains("'attention_bias'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sliding_window", 40, 4, 40, "sliding_window of 40")]
    [InlineData("max_position_embeddings", 64, 4, 100, "64 tokens")]
    public void Refuses_a_capacity_beyond_the_models_context(string field, int most, int sinks, int window, string named)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("config.json", c => c[field] = most);
        InputException refused = Assert.Throws<InputException>(() =>
            Engine.Load(
                new EngineOptions
                {
                    Model = folder.Folder,
                    Sinks = sinks,
                    Window = window,
                }
            )
        );
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"at most {most - sinks}", refused.Message, StringComparison.Ordinal);
        using var checkpoint = Checkpoint.Open(folder.Folder);
        Assert.Contains(
            $"{most}",
            Assert
                .Throws<InputException>(() =>
                    Decoder.Load(checkpoint.Config, checkpoint.Weights, new DecoderOptions { Capacity = most + 1 })
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_default_window_fills_the_sliding_window()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("config.json", c => c["sliding_window"] = 100);
        await using var engine = Engine.Load(new EngineOptions { Model = folder.Folder, Threads = 1 });
        Assert.Equal(new CacheLayout(4, 96), engine.DefaultLayout);
    }

    [Fact]
    public void Refuses_a_tensor_that_the_configuration_does_not_use_by_name()
    {
        using var folder = new TemporaryCheckpoint();
        folder.WriteWeights("""{"model.layers.0.self_attn.q_proj.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", new byte[4]);
        CheckpointTests.AssertRefused(folder.Folder, "'model.layers.0.self_attn.q_proj.bias'", "config.json");
    }
}
