using System.Text.Json;
using System.Text.Json.Nodes;
using Streaming.Inference.Tests.Families;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>Compares random and hostile texts with Hugging Face's tokenizers library.</summary>
public partial class ReferenceTokenizerTests
{
    private const int Texts = 1_200;

    [Theory]
    [InlineData("llama3"), InlineData("qwen3"), InlineData("mistral"), InlineData("starter"), InlineData("stories260K")]
    [InlineData("deepseek_v3"), InlineData("gemma3"), InlineData("gpt4o"), InlineData("gptoss"), InlineData("llama3_1")]
    public async Task A_thousand_texts_give_the_reference_ids(string name)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName; // the reference reads this file alone
        try
        {
            string file = Path.Combine(folder, "tokenizer.json");
            File.CreateSymbolicLink(file, Path.Combine(Vocabularies.FolderOf(name), "tokenizer.json"));
            var tokenizer = Tokenizer.Load(folder);
            await Compare(file, text => tokenizer.Encode(text, parseControl: true, addSpecial: true));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [
        InlineData("first", false),
        InlineData("always", false),
        InlineData("never", false),
        InlineData("first", true),
        InlineData("always", true)
    ]
    public async Task Newer_files_replace_spaces_with_a_pre_tokenizer(string scheme, bool split) =>
        await CompareEdited(
            "mistral",
            json =>
            {
                json["normalizer"] = null;
                json["pre_tokenizer"] = new JsonObject
                {
                    ["type"] = "Metaspace",
                    ["replacement"] = "▁",
                    ["prepend_scheme"] = scheme,
                    ["split"] = split,
                };
            }
        );

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task SmolLM_splits_digits_before_the_GPT_2_pattern(bool each) =>
        await CompareEdited(
            "llama3",
            json =>
                json["pre_tokenizer"] = JsonNode.Parse(
                    $$"""
                    {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":{{(
                        each ? "true" : "false"
                    )}}},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]}
                    """
                )
        );

    [Theory]
    [InlineData("llama3"), InlineData("qwen3")]
    public async Task User_text_gives_the_reference_ids_without_added_tokens(string name)
    {
        Tokenizer tokenizer = Vocabularies.Get(name);
        await CompareEdited(
            name,
            json => json["added_tokens"] = new JsonArray(),
            text => tokenizer.Encode(text, parseControl: false, addSpecial: false)
        );
    }

    private static async Task CompareEdited(string name, Action<JsonObject> edit, Func<string, int[]>? encode = null)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        try
        {
            string file = Path.Combine(folder, "tokenizer.json");
            JsonObject json = JsonNode
                .Parse(
                    await File.ReadAllTextAsync(
                        Path.Combine(Vocabularies.FolderOf(name), "tokenizer.json"),
                        TestContext.Current.CancellationToken
                    )
                )!
                .AsObject();
            edit(json);
            await File.WriteAllTextAsync(file, json.ToJsonString(), TestContext.Current.CancellationToken);
            var tokenizer = Tokenizer.Load(folder);
            await Compare(file, encode ?? (text => tokenizer.Encode(text, parseControl: true, addSpecial: true)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task Compare(string file, Func<string, int[]> encode)
    {
        string folder = Directory.CreateTempSubdirectory("texts-").FullName;
        try
        {
            string[] texts = [.. new HostileTexts(seed: 17).Take(Texts)];
            string textsFile = Path.Combine(folder, "texts.json"),
                idsFile = Path.Combine(folder, "ids.json");
            await File.WriteAllTextAsync(textsFile, JsonSerializer.Serialize(texts), TestContext.Current.CancellationToken);
            await PeerProcess.Run("tokenize", file, textsFile, idsFile);
            int[][] expected = JsonSerializer.Deserialize<int[][]>(
                await File.ReadAllTextAsync(idsFile, TestContext.Current.CancellationToken)
            )!;
            Assert.Equal(Texts, expected.Length);
            string[] wrong = [.. texts.Where((text, i) => !expected[i].SequenceEqual(encode(text)))];
            Assert.True(
                wrong.Length == 0,
                $"{wrong.Length} of {Texts} texts have other ids: {JsonSerializer.Serialize(wrong.OrderBy(t => t.Length).Take(5))}"
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
