using System.Text.Json.Nodes;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>
/// <c>add_bos_token</c> and <c>add_eos_token</c> as transformers 5 reads them (<c>TokenizersBackend.update_post_processor</c>).
/// </summary>
public class BosTokenTests
{
    private const string Start = "<|startoftext|>",
        End = "<|im_end|>";

    [Theory]
    [InlineData(null, null, null, true, false)] // as tokenizer.json says
    [InlineData(true, null, null, true, false)]
    [InlineData(false, null, null, false, false)]
    [InlineData(false, true, null, false, true)]
    [InlineData(true, true, null, true, true)]
    [InlineData(null, true, "PreTrainedTokenizerFast", false, true)]
    [InlineData(null, true, "LlamaTokenizerFast", true, true)]
    [InlineData(null, false, "GemmaTokenizer", true, false)]
    public void Says_which_tokens_are_added(bool? bos, bool? eos, string? kind, bool first, bool last)
    {
        using TemporaryCheckpoint folder = Configured(
            ("add_bos_token", bos is bool b ? JsonValue.Create(b) : null),
            ("add_eos_token", eos is bool e ? JsonValue.Create(e) : null),
            ("tokenizer_class", kind is null ? null : JsonValue.Create(kind)),
            ("bos_token", Start),
            ("eos_token", End)
        );
        var tokenizer = Tokenizer.Load(folder.Folder);
        int[] ids = tokenizer.Encode("Hi", parseControl: false, addSpecial: true),
            plain = tokenizer.Encode("Hi", parseControl: false, addSpecial: false);
        int[] before = first ? [tokenizer.IdOf(Start)!.Value] : [],
            after = last ? [tokenizer.IdOf(End)!.Value] : [];
        Assert.Equal((int[])[.. before, .. plain, .. after], ids);
        Assert.Equal(first ? tokenizer.IdOf(Start) : null, tokenizer.BosId);
    }

    [Fact]
    public void A_token_that_the_file_does_not_name_is_not_added()
    {
        using TemporaryCheckpoint folder = Configured(("add_bos_token", true), ("bos_token", null));
        Assert.Null(Tokenizer.Load(folder.Folder).BosId);
    }

    [Fact]
    public void Refuses_a_token_that_the_vocabulary_lacks()
    {
        using TemporaryCheckpoint folder = Configured(("add_bos_token", true), ("bos_token", "<nowhere>"));
        InputException e = Assert.Throws<InputException>(() => Tokenizer.Load(folder.Folder));
        Assert.Contains("'bos_token'", e.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer_config.json", e.Message, StringComparison.Ordinal);
    }

    private static TemporaryCheckpoint Configured(params (string Field, JsonNode? Value)[] fields)
    {
        var folder = new TemporaryCheckpoint();
        folder.Edit(
            "tokenizer_config.json",
            json =>
            {
                foreach ((string field, JsonNode? value) in fields)
                {
                    json.Remove(field);
                    if (value is not null)
                        json[field] = value.DeepClone();
                }
            }
        );
        return folder;
    }
}
