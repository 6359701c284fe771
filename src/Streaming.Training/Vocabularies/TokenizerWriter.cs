using System.Text.Json.Nodes;
using Streaming.Training.Checkpoints;

namespace Streaming.Training.Vocabularies;

/// <summary>Writes a vocabulary as Hugging Face tokenizer files, with ChatML as the chat template.</summary>
internal static class TokenizerWriter
{
    /// <summary>
    /// Qwen's pattern: contractions, words with one leading space or other character, single digits, punctuation, line ends, spaces.
    /// </summary>
    private const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string ChatTemplate =
        "{{- bos_token }}{% for message in messages %}"
        + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>Writes the files.</summary>
    /// <param name="folder">The folder to write to.</param>
    /// <param name="vocabulary">The vocabulary, with the control tokens that training needs.</param>
    /// <param name="context">The model's context length in tokens.</param>
    public static void Write(string folder, BytePairVocabulary vocabulary, int context)
    {
        (string bos, string end, string pad) = (vocabulary.Control[0], vocabulary.Control[2], vocabulary.Control[3]);
        AtomicFile.Write(Path.Combine(folder, "tokenizer.json"), Tokenizer(vocabulary));
        AtomicFile.Write(
            Path.Combine(folder, "tokenizer_config.json"),
            new JsonObject
            {
                ["add_bos_token"] = true,
                ["add_eos_token"] = false,
                ["add_prefix_space"] = false,
                ["added_tokens_decoder"] = new JsonObject(
                    vocabulary.Control.Select((c, id) => KeyValuePair.Create($"{id}", (JsonNode?)AddedToken(c)))
                ),
                ["bos_token"] = bos,
                ["chat_template"] = ChatTemplate,
                ["clean_up_tokenization_spaces"] = false,
                ["eos_token"] = end,
                ["model_max_length"] = context,
                ["pad_token"] = pad,
                ["tokenizer_class"] = "PreTrainedTokenizerFast",
                ["unk_token"] = null,
            }
        );
        AtomicFile.Write(
            Path.Combine(folder, "special_tokens_map.json"),
            new JsonObject
            {
                ["bos_token"] = bos,
                ["eos_token"] = end,
                ["pad_token"] = pad,
            }
        );
    }

    /// <summary>The pre-tokenizer, which splits text before merges apply.</summary>
    public static JsonObject PreTokenizerJson() =>
        new()
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "Split",
                    ["pattern"] = new JsonObject { ["Regex"] = Pattern },
                    ["behavior"] = "Isolated",
                    ["invert"] = false,
                },
                ByteLevel()
            ),
        };

    private static JsonObject Tokenizer(BytePairVocabulary vocabulary)
    {
        string bos = vocabulary.Control[0];
        JsonObject Special() =>
            new()
            {
                ["SpecialToken"] = new JsonObject { ["id"] = bos, ["type_id"] = 0 },
            };
        JsonObject Sequence(string id, int type) =>
            new()
            {
                ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type },
            };
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([
                .. vocabulary.Control.Select(
                    (content, id) =>
                    {
                        JsonObject token = AddedToken(content);
                        token.Insert(0, "id", id);
                        return token;
                    }
                ),
            ]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = PreTokenizerJson(),
            ["post_processor"] = new JsonObject
            {
                ["type"] = "TemplateProcessing",
                ["single"] = new JsonArray(Special(), Sequence("A", 0)),
                ["pair"] = new JsonArray(Special(), Sequence("A", 0), Sequence("B", 1)),
                ["special_tokens"] = new JsonObject
                {
                    [bos] = new JsonObject
                    {
                        ["id"] = bos,
                        ["ids"] = new JsonArray(0),
                        ["tokens"] = new JsonArray(bos),
                    },
                },
            },
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = new JsonObject(
                    Enumerable.Range(0, vocabulary.Count).Select(id => KeyValuePair.Create(vocabulary.Spelling(id), (JsonNode?)id))
                ),
                ["merges"] = new JsonArray([
                    .. vocabulary.Merges.Select(m => JsonValue.Create($"{vocabulary.Spelling(m.Left)} {vocabulary.Spelling(m.Right)}")),
                ]),
            },
        };
    }

    private static JsonObject ByteLevel() =>
        new()
        {
            ["type"] = "ByteLevel",
            ["add_prefix_space"] = false,
            ["trim_offsets"] = true,
            ["use_regex"] = false,
        };

    private static JsonObject AddedToken(string content) =>
        new()
        {
            ["content"] = content,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        };
}
