using System.Text.Json.Nodes;
using Streaming.Inference.Batching;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Sampling;
using Streaming.Inference.Serving;

namespace Streaming.Inference.Tests.Checkpoints;

/// <summary>Every field that changes the text is applied or refused.</summary>
public class GenerationConfigTests
{
    [Fact]
    public void Applies_every_supported_field()
    {
        SamplingParameters sampling = Read(
            """
            {
              "do_sample": true, "temperature": 0.3, "top_p": 0.8, "top_k": 20, "min_p": 0.1, "typical_p": 0.6,
              "repetition_penalty": 1.2, "no_repeat_ngram_size": 3, "suppress_tokens": [5, 6], "begin_suppress_tokens": [7],
              "bad_words_ids": [[8], [9, 10]], "min_new_tokens": 4, "max_new_tokens": 99, "stop_strings": ["a", "b"]
            }
            """
        ).Sampling;
        Assert.Equal((0.3, 0.8, 20, 0.1, 0.6), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MinP, sampling.TypicalP));
        Assert.Equal((1.2, 3, 4L, 99L), (sampling.RepeatPenalty, sampling.NoRepeatNgramSize, sampling.MinNewTokens, sampling.MaxTokens));
        Assert.Equal([5, 6], sampling.SuppressTokens);
        Assert.Equal([7], sampling.BeginSuppressTokens);
        Assert.Equal<int[]>(
            [
                [8],
                [9, 10],
            ],
            sampling.BadWordsIds.Select(word => word.ToArray())
        );
        Assert.Equal(["a", "b"], sampling.Stop);
        Assert.Equal(["stop"], Read("""{ "stop_strings": "stop" }""").Sampling.Stop);
    }

    [Fact]
    public void Applies_the_fields_of_config_json_if_there_is_no_generation_config()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        File.Delete(folder.PathOf("generation_config.json"));
        folder.Edit("config.json", c => c["no_repeat_ngram_size"] = 2);
        using (var checkpoint = Checkpoint.Open(folder.Folder))
            Assert.Equal(2, checkpoint.Generation.Sampling.NoRepeatNgramSize);
        folder.Edit("config.json", c => c["num_beams"] = 4);
        CheckpointTests.AssertRefused(folder.Folder, "num_beams", "config.json");
    }

    /// <summary>What Hugging Face's library writes when it saves every field, and fields that change no text.</summary>
    [Theory]
    [InlineData(
        """
            {
              "max_length": 20, "min_length": 0, "min_new_tokens": null, "early_stopping": false, "max_time": null, "stop_strings": null,
              "num_beams": 1, "num_beam_groups": 1, "penalty_alpha": null, "dola_layers": null, "use_cache": true,
              "typical_p": 1.0, "epsilon_cutoff": 0.0, "eta_cutoff": 0.0, "diversity_penalty": 0.0, "encoder_repetition_penalty": 1.0,
              "length_penalty": 1.0, "no_repeat_ngram_size": 0, "bad_words_ids": null, "force_words_ids": null,
              "renormalize_logits": false, "constraints": null, "forced_bos_token_id": null, "forced_eos_token_id": null,
              "remove_invalid_values": false, "exponential_decay_length_penalty": null, "suppress_tokens": null,
              "begin_suppress_tokens": null, "forced_decoder_ids": null, "sequence_bias": null, "token_healing": false,
              "guidance_scale": null, "watermarking_config": null, "encoder_no_repeat_ngram_size": 0, "top_h": null
            }
            """
    )]
    [InlineData(
        """
            {
              "guidance_scale": 1, "penalty_alpha": 0, "length_penalty": 2.5, "early_stopping": true, "cache_implementation": "hybrid",
              "num_assistant_tokens": 5, "output_scores": true, "renormalize_logits": true, "pad_token_id": 3, "bos_token_id": 0,
              "_from_model_config": true, "_anything": 7, "transformers_version": "4.55.0", "max_length": 4096, "a_new_field": false,
              "another_new_field": []
            }
            """
    )]
    public void Fields_without_effect_and_neutral_values_pass(string json)
    {
        SamplingParameters defaults = new(),
            sampling = Read(json).Sampling;
        Assert.Equal(
            defaults,
            sampling with
            {
                SuppressTokens = defaults.SuppressTokens,
                BeginSuppressTokens = defaults.BeginSuppressTokens,
                BadWordsIds = defaults.BadWordsIds,
                Stop = defaults.Stop,
            }
        );
        Assert.Empty(sampling.SuppressTokens);
        Assert.Empty(sampling.BeginSuppressTokens);
        Assert.Empty(sampling.BadWordsIds);
        Assert.Empty(sampling.Stop);
    }

    [Theory]
    [InlineData("num_beams", "4"), InlineData("num_beam_groups", "2"), InlineData("diversity_penalty", "0.5")]
    [InlineData("penalty_alpha", "0.6"), InlineData("dola_layers", "\"high\""), InlineData("guidance_scale", "1.5")]
    [InlineData("epsilon_cutoff", "3e-4"), InlineData("eta_cutoff", "1e-3"), InlineData("top_h", "0.4")]
    [InlineData("encoder_repetition_penalty", "1.2"), InlineData("encoder_no_repeat_ngram_size", "3")]
    [InlineData("force_words_ids", "[[5]]"), InlineData("constraints", "[{}]"), InlineData("sequence_bias", "[[[5],-2.0]]")]
    [InlineData("forced_bos_token_id", "0"), InlineData("forced_eos_token_id", "2"), InlineData("forced_decoder_ids", "[[1,5]]")]
    [InlineData("exponential_decay_length_penalty", "[15,1.6]"), InlineData("min_length", "10"), InlineData("max_time", "1.5")]
    [InlineData("token_healing", "true"), InlineData("watermarking_config", "{\"bias\":2.5}"), InlineData("mirostat", "2")]
    [InlineData("temperature", "101"), InlineData("repetition_penalty", "1e-40"), InlineData("repetition_penalty", "101")]
    [InlineData("typical_p", "1.5"), InlineData("no_repeat_ngram_size", "-1"), InlineData("min_new_tokens", "0.5")]
    [InlineData("suppress_tokens", "[4096]"), InlineData("begin_suppress_tokens", "[-1]"), InlineData("bad_words_ids", "[5]")]
    [InlineData("bad_words_ids", "[[]]"), InlineData("bad_words_ids", "[[5,4096]]"), InlineData("stop_strings", "[\"\"]")]
    [InlineData("stop_strings", "5"), InlineData("max_new_tokens", "0")]
    public void Refuses_what_it_does_not_apply_by_name(string field, string value)
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("generation_config.json", c => c[field] = JsonNode.Parse(value));
        CheckpointTests.AssertRefused(folder.Folder, $"'{field}'", "generation_config.json");
    }

    [Fact]
    public void Refuses_a_stop_string_that_joins_a_control_token_and_text_before_the_weights_are_loaded()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("generation_config.json", c => c["stop_strings"] = new JsonArray("<|im_end|>\n"));
        InputException refused = Assert.Throws<InputException>(() => Engine.Load(new EngineOptions { Model = folder.Folder }));
        Assert.Contains("stop_strings", refused.Message, StringComparison.Ordinal);
        Assert.Contains("generation_config.json", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reply_ends_at_the_end_of_its_template_if_the_eos_fields_name_another_token()
    {
        const int endOfTurn = 2,
            another = 1;
        using var folder = new TemporaryCheckpoint(withWeights: true);
        foreach (string file in new[] { "config.json", "generation_config.json" })
            folder.Edit(file, c => c["eos_token_id"] = another);
        await using var engine = Engine.Load(new EngineOptions { Model = folder.Folder, Threads = 1 });

        Assert.Equal([another, endOfTurn], engine.EndIds);
        List<DecodeOutput> outputs = await ReplyAsync(engine, engine.DefaultSampling with { Temperature = 0 });
        Assert.Equal(endOfTurn, outputs.OfType<TokenSampled>().Last().Id);
        Assert.Equal(EndReason.Stop, Assert.IsType<DecodeEnded>(outputs[^1]).Reason);

        // With a stop string of the same token it ends there too, and with a minimum of tokens only after these.
        const long least = 60;
        Assert.True(outputs.OfType<TokenSampled>().Count() < least, "The reply is too long for this test.");
        outputs = await ReplyAsync(engine, engine.DefaultSampling with { Temperature = 0, MinNewTokens = least, MaxTokens = 100 });
        Assert.InRange(outputs.OfType<TokenSampled>().Count(), least, 100);
        Assert.DoesNotContain(endOfTurn, outputs.OfType<TokenSampled>().SkipLast(1).Select(token => token.Id));
    }

    [Fact]
    public async Task Text_without_a_template_needs_none()
    {
        using var folder = new TemporaryCheckpoint(withWeights: true);
        folder.Edit("tokenizer_config.json", c => c.Remove("chat_template"));
        await using var engine = Engine.Load(new EngineOptions { Model = folder.Folder, Threads = 1 });
        Assert.Equal([2, 3], engine.EndIds);
        Assert.Contains("no chat template", Assert.Throws<InputException>(() => engine.Chat).Message, StringComparison.Ordinal);
    }

    private static async Task<List<DecodeOutput>> ReplyAsync(Engine engine, SamplingParameters sampling)
    {
        var outputs = new List<DecodeOutput>();
        var job = new DecodeJob
        {
            Slot = 0,
            Layout = engine.DefaultLayout,
            Reset = true,
            Input = [new TokenRun(0, engine.Chat.Opening(null, ["Hello!"]))],
            Sampling = sampling,
        };
        await foreach (DecodeOutput output in engine.Devices["cpu"].DecodeAsync(job, TestContext.Current.CancellationToken))
            outputs.Add(output);
        return outputs;
    }

    private static GenerationDefaults Read(string generation) =>
        GenerationDefaults.Read(
            ConfigReader.Parse("config.json", "{}"u8.ToArray()),
            ConfigReader.Parse("generation_config.json", System.Text.Encoding.UTF8.GetBytes(generation)),
            vocabulary: 100
        );
}
