using System.Text.Json.Nodes;

namespace Streaming.Inference.Tests.Tokenizing;

public partial class ReferenceTokenizerTests
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    public static readonly TheoryData<string> Patterns =
    [
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        @"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
            + Contractions
            + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"[[:alpha:]]+|[[:digit:]]{,2}|[[:punct:][:space:]&&[^\r\n]]+|[[:^alnum:]]",
        @"\h+|\w+|[^\w\h\s]{2}?|\R|\s",
        @"^.|.$|\b\p{Lu}|(?<=\p{N})\p{N}|(?<![a-z])[a-z]{3}\B",
        @"(?i)ka+|s[tdk]|\p{Lu}a(?-i:B)|[^\r\na-z]{1,4}",
        @"[\x{1F300}-\x{1FAFF}\u00e9]|[\x{10000}-\x{10FFFF}]+|\p{Cyrillic}+|\p{Greek}|\p{Thai}+|\P{L}",
        @"(?m:a.b)|a(?i)b|C|x*|(?>\p{L}+)1|[]a-]+|[^]\\\[]{3}\Z",
        @"(?=\p{Lu})|(?<=\n)|a{2}+|b+?|\p{^L}\p{Ll}",
    ];

    [Theory]
    [MemberData(nameof(Patterns))]
    public async Task Patterns_that_NET_reads_differently_give_the_reference_ids(string pattern) =>
        await CompareEdited("starter", json => json["pre_tokenizer"] = ByteLevelAfter(Split(pattern, "Isolated", inverted: false)));

    [Theory]
    [InlineData("Isolated", false), InlineData("Removed", false), InlineData("Removed", true), InlineData("Contiguous", true)]
    [InlineData("MergedWithPrevious", false), InlineData("MergedWithPrevious", true), InlineData("MergedWithNext", false)]
    public async Task Matches_become_the_pieces_that_the_reference_makes(string behavior, bool inverted) =>
        await CompareEdited("starter", json => json["pre_tokenizer"] = ByteLevelAfter(Split(@"\p{Lu}|\s|(?=\d)", behavior, inverted)));

    [Theory]
    [InlineData("""{"type":"Punctuation","behavior":"Isolated"}""", true)]
    [InlineData("""{"type":"Punctuation"}""", false)]
    [InlineData("""{"type":"WhitespaceSplit"}""", true)]
    [InlineData("""{"type":"Split","pattern":{"String":"e"},"behavior":"MergedWithNext","invert":false}""", true)]
    public async Task Other_pre_tokenizers_split_before_bytes(string section, bool addsSpace) =>
        await CompareEdited("starter", json => json["pre_tokenizer"] = ByteLevelAfter(JsonNode.Parse(section)!, addsSpace));

    [Theory]
    [InlineData(null, false, false)]
    [InlineData("<|unknown|>", false, false)]
    [InlineData("<|unknown|>", true, false)]
    [InlineData("<|unknown|>", true, true)]
    public async Task Bytes_without_a_token_are_dropped_or_unknown(string? unknown, bool fuses, bool fallsBack) =>
        await CompareEdited(
            "starter",
            json =>
            {
                JsonObject model = json["model"]!.AsObject(),
                    vocabulary = model["vocab"]!.AsObject();
                string[] lacking = ["À", "Á", "ð", "Ð", "x", "Ċ", "©"]; // 0xC0, 0xC1, 0xF0, 0xD0, "x", a line feed, 0xA9
                string[] gone =
                [
                    .. vocabulary.Select(v => v.Key).Where(t => !t.StartsWith("<|", StringComparison.Ordinal) && lacking.Any(t.Contains)),
                ];
                Assert.True(gone.Length > lacking.Length, "merges with these bytes exist");
                int[] free = [.. gone.Select(token => (int)vocabulary[token]!)];
                foreach (string token in gone)
                    vocabulary.Remove(token);
                vocabulary["<|unknown|>"] = free[0];
                vocabulary["<0x78>"] = free[1]; // "x" falls back, the others do not
                model["merges"] = new JsonArray([
                    .. model["merges"]!
                        .AsArray()
                        .Where(merge => !lacking.Any(merge!.ToJsonString(Plain).Contains))
                        .Select(m => m!.DeepClone()),
                ]);
                model["unk_token"] = unknown;
                model["fuse_unk"] = fuses;
                model["byte_fallback"] = fallsBack;
            }
        );

    [Fact]
    public async Task Characters_without_a_token_are_unknown_in_SentencePiece_vocabularies() =>
        await CompareEdited(
            "mistral",
            json =>
            {
                JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
                foreach (string token in (string[])["<0xF0>", "<0xE4>"])
                    vocabulary.Remove(token); // characters with these bytes are unknown, others fall back
            }
        );

    [Theory]
    [
        InlineData("starter", true, false),
        InlineData("starter", false, true),
        InlineData("starter", true, true),
        InlineData("qwen3", true, false)
    ]
    public async Task Added_tokens_may_be_normalized_or_single_words(string name, bool normalized, bool singleWord) =>
        await CompareEdited(
            name,
            json =>
            {
                JsonArray added = json["added_tokens"]!.AsArray();
                int next = added.Max(t => (int)t!["id"]!) + 1;
                if (name == "starter")
                    next = json["model"]!["vocab"]!.AsObject().Count;
                foreach (string content in (string[])["the", "<|a", "<|a|>", "1", "é", "  ", "ab"])
                {
                    if (json["model"]!["vocab"]![content] is JsonNode known)
                        added.Add(Token((int)known, content));
                    else
                        added.Add(Token(next++, content));
                }
                added[^3]!["normalized"] = false;

                JsonObject Token(int id, string content) =>
                    new()
                    {
                        ["id"] = id,
                        ["content"] = content,
                        ["single_word"] = singleWord,
                        ["lstrip"] = content.Length > 2,
                        ["rstrip"] = content == "1",
                        ["normalized"] = normalized,
                        ["special"] = false,
                    };
            }
        );

    private static readonly System.Text.Json.JsonSerializerOptions Plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static JsonObject Split(string pattern, string behavior, bool inverted) =>
        new()
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = pattern },
            ["behavior"] = behavior,
            ["invert"] = inverted,
        };

    private static JsonObject ByteLevelAfter(JsonNode first, bool addsSpace = false) =>
        new()
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                first,
                new JsonObject
                {
                    ["type"] = "ByteLevel",
                    ["add_prefix_space"] = addsSpace,
                    ["trim_offsets"] = true,
                    ["use_regex"] = addsSpace,
                }
            ),
        };
}
