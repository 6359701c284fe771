using System.Text.Json;

namespace Streaming.Inference.Checkpoints;

/// <summary>
/// The fields of a <c>generation_config.json</c>, as in Hugging Face's <c>GenerationConfig</c> of versions 4 and 5: a field that changes
/// the text and is not applied must have its neutral value.
/// </summary>
internal static class GenerationFields
{
    private const string RemoveIt = "remove it from the file, or use another checkpoint";

    /// <summary>Fields that <see cref="GenerationDefaults"/> applies.</summary>
    private static readonly HashSet<string> Applied =
    [
        "bad_words_ids",
        "begin_suppress_tokens",
        "do_sample",
        "eos_token_id",
        "max_new_tokens",
        "min_new_tokens",
        "min_p",
        "no_repeat_ngram_size",
        "repetition_penalty",
        "stop_strings",
        "suppress_tokens",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    ];

    /// <summary>
    /// Fields that do not change a reply's text: of search by beams, which is refused; of speculative decoding, which gives the same
    /// distribution; of caches, outputs and compilation; of encoders; and max_length, the length of a whole stream, which has none here.
    /// </summary>
    private static readonly HashSet<string> WithoutEffect =
    [
        "assistant_confidence_threshold",
        "assistant_early_exit",
        "assistant_lookbehind",
        "bos_token_id",
        "cache_config",
        "cache_implementation",
        "compile_config",
        "decoder_start_token_id",
        "disable_compile",
        "early_stopping",
        "is_assistant",
        "length_penalty",
        "low_memory",
        "max_length",
        "max_matching_ngram_size",
        "num_assistant_tokens",
        "num_assistant_tokens_schedule",
        "num_return_sequences",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
        "pad_token_id",
        "prefill_chunk_size",
        "prompt_lookup_num_tokens",
        "remove_invalid_values",
        "renormalize_logits",
        "return_dict_in_generate",
        "return_legacy_cache",
        "target_lookbehind",
        "transformers.js_config",
        "transformers_version",
        "trust_remote_code",
        "use_cache",
    ];

    /// <summary>Fields that change the text, with their neutral values besides null; and what to do.</summary>
    private static readonly Dictionary<string, (double? Neutral, string Remedy)> Refused = new()
    {
        ["constraints"] = (null, RemoveIt),
        ["diversity_penalty"] = (0, RemoveIt),
        ["dola_layers"] = (null, RemoveIt),
        ["encoder_no_repeat_ngram_size"] = (0, "use no_repeat_ngram_size"),
        ["encoder_repetition_penalty"] = (1, "use repetition_penalty"),
        ["epsilon_cutoff"] = (0, "use min_p"),
        ["eta_cutoff"] = (0, "use min_p or typical_p"),
        ["exponential_decay_length_penalty"] = (null, "use max_new_tokens"),
        ["force_words_ids"] = (null, RemoveIt),
        ["forced_bos_token_id"] = (null, RemoveIt),
        ["forced_decoder_ids"] = (null, RemoveIt),
        ["forced_eos_token_id"] = (null, RemoveIt),
        ["guidance_scale"] = (1, RemoveIt),
        ["max_time"] = (null, "use max_new_tokens"),
        ["min_length"] = (0, "use min_new_tokens, which does not count the prompt"),
        ["num_beam_groups"] = (1, RemoveIt),
        ["num_beams"] = (1, "set it to 1, because a reply is shown while it is sampled"),
        ["penalty_alpha"] = (0, RemoveIt),
        ["sequence_bias"] = (null, "use bad_words_ids, or logitBias in a request"),
        ["token_healing"] = (null, RemoveIt),
        ["top_h"] = (null, "use min_p or typical_p"),
        ["watermarking_config"] = (null, RemoveIt),
    };

    /// <summary>Refuses fields that would change the text and are not applied.</summary>
    /// <param name="file">The file.</param>
    /// <param name="isGenerationConfig">
    /// Whether it holds nothing but such fields, so that an unknown one is refused too unless it is null, false, 0 or empty, or begins
    /// with an underscore as Hugging Face's own notes do.
    /// </param>
    /// <exception cref="InputException">There is such a field; the sentence names it.</exception>
    public static void RequireSupported(ConfigReader file, bool isGenerationConfig)
    {
        foreach (string field in file.Names)
        {
            if (Refused.TryGetValue(field, out (double? Neutral, string Remedy) refused))
            {
                if (!IsOff(file, field, refused.Neutral))
                    throw file.Unsupported(field, refused.Remedy);
            }
            else if (isGenerationConfig && !IsKnown(field) && !IsOff(file, field, neutral: 0))
            {
                throw file.Unsupported(field, "remove it from the file if the text does not depend on it");
            }
        }
    }

    private static bool IsKnown(string field) => Applied.Contains(field) || WithoutEffect.Contains(field) || field.StartsWith('_');

    /// <summary>Whether a field is null, false, empty, or its neutral number.</summary>
    private static bool IsOff(ConfigReader file, string field, double? neutral) =>
        file.Find(field) switch
        {
            null => true,
            { ValueKind: JsonValueKind.False } => true,
            { ValueKind: JsonValueKind.Number } number => number.TryGetDouble(out double value) && value == neutral,
            { ValueKind: JsonValueKind.String } text => text.GetString()!.Length == 0,
            { ValueKind: JsonValueKind.Array } list => list.GetArrayLength() == 0,
            { ValueKind: JsonValueKind.Object } record => !record.EnumerateObject().Any(),
            _ => false,
        };
}
