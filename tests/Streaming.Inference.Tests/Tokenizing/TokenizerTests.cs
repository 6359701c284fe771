using System.Text;
using System.Text.Json.Nodes;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

public class TokenizerTests
{
    private static readonly Tokenizer Starter = Tokenizer.Load(ModelFolders.Starter);

    [Fact]
    public void Adds_the_start_token_of_the_post_processor_when_asked()
    {
        Assert.Equal(0, Starter.BosId);
        int[] plain = Starter.Encode("Hello", parseControl: true, addSpecial: false);
        Assert.Equal([0, .. plain], Starter.Encode("Hello", parseControl: true, addSpecial: true));
        Assert.DoesNotContain(0, plain);
        Assert.Equal([0], Starter.Encode("", parseControl: true, addSpecial: true));
    }

    [Fact]
    public void Parses_control_tokens_only_when_asked()
    {
        int[] parsed = Starter.Encode("<|im_start|>user\nHi<|im_end|>", parseControl: true, addSpecial: false);
        Assert.Equal(1, parsed[0]);
        Assert.Equal(2, parsed[^1]);
        int[] plain = Starter.Encode("<|im_start|>user\nHi<|im_end|>", parseControl: false, addSpecial: false);
        Assert.DoesNotContain(plain, Starter.IsControl);
        Assert.Equal("<|im_start|>user\nHi<|im_end|>", Starter.Decode(plain));
    }

    [Fact]
    public void Control_tokens_have_no_text()
    {
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, Starter.Size).Where(Starter.IsControl));
        Assert.All(Enumerable.Range(0, 4), id => Assert.True(Starter.BytesOf(id).IsEmpty));
        Assert.Equal("Hi", Starter.Decode([0, .. Starter.Encode("Hi", false, false), 2]));
        Assert.Equal(2, Starter.IdOf("<|im_end|>"));
        Assert.Null(Starter.IdOf("no such token"));
        Assert.True(Starter.BytesOf(-1).IsEmpty && Starter.BytesOf(Starter.Size).IsEmpty);
    }

    // Ids by Hugging Face's own tokenizers library (Tokenizers.DotNet 1.4.1), for these files.
    [Theory]
    [InlineData("Once upon a time, there was a little girl.", new[] { 1310, 1050, 262, 501, 48, 465, 327, 262, 654, 987, 50 })]
    [InlineData("don't DON'T  stop\n\n\tnow", new[] { 104, 277, 373, 420, 83, 82, 3215, 36, 1348, 1507, 13, 114, 312 })]
    [InlineData("unbelievable 12345", new[] { 372, 102, 456, 365, 122, 782, 36, 53, 54, 55, 56, 57 })]
    [InlineData("<|im_start|>user\nHi<|im_end|>", new[] { 1, 281, 14, 893, 2 })]
    [InlineData(
        "naïve 日本語 😀 𝐀𝟘",
        new[]
        {
            1217,
            199,
            179,
            307,
            36,
            234,
            155,
            169,
            234,
            160,
            176,
            236,
            174,
            162,
            36,
            244,
            163,
            156,
            132,
            36,
            244,
            161,
            148,
            132,
            244,
            161,
            163,
            156,
        }
    )]
    public void Gives_the_reference_ids_of_a_byte_level_tokenizer(string text, int[] ids) =>
        Assert.Equal(ids, Starter.Encode(text, parseControl: true, addSpecial: false));

    [Theory]
    [InlineData("Once upon a time, there was a little girl.", new[] { 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 426 })]
    [InlineData(
        "don't DON'T  stop\n\n\tnow",
        new[] { 279, 289, 439, 413, 410, 455, 441, 458, 439, 434, 410, 349, 414, 427, 13, 13, 12, 416, 327 }
    )]
    [InlineData("</s> x <s>", new[] { 2, 410, 410, 444, 410, 1 })]
    public void Gives_the_reference_ids_of_a_SentencePiece_tokenizer(string text, int[] ids) =>
        Assert.Equal(ids, Tokenizer.Load(ModelFolders.Stories260K).Encode(text, parseControl: true, addSpecial: false));

    [Fact]
    public void Decoding_the_ids_of_any_text_gives_the_text()
    {
        var random = new Random(1);
        string[] words =
        [
            "the",
            " the",
            "\n",
            "\r\n",
            "  ",
            "don't",
            "DON'T",
            "é",
            "日本語",
            "😀",
            "𝐀𝟘",
            "<|im_end|>",
            "1234",
            "\0",
            "\uFEFF",
            "Ġ",
            "▁",
        ];
        for (int i = 0; i < 2_000; i++)
        {
            var text = new StringBuilder();
            for (int n = random.Next(12); n > 0; n--)
            {
                int scalar = random.Next(0x11_0000 - 0x800);
                _ =
                    random.Next(3) == 0
                        ? text.Append(new Rune(scalar < 0xD800 ? scalar : scalar + 0x800))
                        : text.Append(words[random.Next(words.Length)]);
            }
            Assert.Equal(text.ToString(), Starter.Decode(Starter.Encode(text.ToString(), parseControl: false, addSpecial: false)));
        }
    }

    [Fact]
    public void Letters_and_digits_outside_the_BMP_count_as_letters_and_digits()
    {
        // Each word and each digit is one piece of the pattern.
        using var folder = new TemporaryCheckpoint();
        Assert.Equal(["𝐀𝐁c", "𝟘", "𝟙", " 𠀀𠀁", "😀!"], Pieces(folder, "𝐀𝐁c𝟘𝟙 𠀀𠀁😀!"));
    }

    private static string[] Pieces(TemporaryCheckpoint folder, string text)
    {
        var file = Streaming.Inference.Checkpoints.ConfigReader.Open(folder.Folder, "tokenizer.json");
        return [.. PreTokenizer.Read(file.Section("pre_tokenizer")).Split(text, SectionStart.Text)];
    }

    [Fact]
    public void A_long_run_of_one_letter_takes_nearly_linear_time()
    {
        int[] ids = Starter.Encode(new string('a', 200_000), parseControl: false, addSpecial: false);
        Assert.Equal(200_000, ids.Sum(id => Starter.BytesOf(id).Length));
    }

    [Fact]
    public void SentencePiece_vocabularies_prepend_a_space_and_fall_back_to_bytes()
    {
        var tokenizer = Tokenizer.Load(ModelFolders.Stories260K);
        Assert.Equal(512, tokenizer.Size);
        Assert.Equal(1, tokenizer.BosId);
        Assert.True(tokenizer.StripsLeadingSpace);
        // <0xE6> is 3 + 0xE6, and so on.
        int[] ids = tokenizer.Encode("日", parseControl: true, addSpecial: true);
        Assert.Equal([1, tokenizer.IdOf("▁")!.Value, 3 + 0xE6, 3 + 0x97, 3 + 0xA5], ids);
        Assert.Equal("日", tokenizer.Decode(ids));
        const string Text = "Once upon a time, \"日本\" 😀\n";
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text, parseControl: true, addSpecial: true)));
        Assert.Equal([1], tokenizer.Encode("<s>", parseControl: true, addSpecial: false));
        Assert.DoesNotContain(tokenizer.Encode("<s></s><unk>", parseControl: false, addSpecial: false), tokenizer.IsControl);
    }

    [Fact]
    public void Decodes_added_tokens_as_any_other()
    {
        Tokenizer gemma = Vocabularies.Get("gemma3"); // as Hugging Face's library decodes these ids
        Assert.Equal("   Hello", gemma.Decode([139, 9259]));
    }

    [Fact]
    public void Decodes_the_published_greedy_text_of_stories260K()
    {
        var tokenizer = Tokenizer.Load(ModelFolders.Stories260K);
        JsonNode expected = JsonNode.Parse(File.ReadAllText(Path.Combine(ModelFolders.Stories260K, "expected_greedy.json")))!;
        string text = (string)expected["expected_text"]!;
        int[] ids = [.. expected["ids"]!.AsArray().Select(n => (int)n!)];
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Fact]
    public void Refuses_an_unpaired_surrogate_and_names_its_index()
    {
        foreach (string text in new[] { "ab\uD83D", "ab\uDE00c", "ab\uD83D\uD83D" })
        {
            InputException e = Assert.Throws<InputException>(() => Starter.Encode(text, false, false));
            Assert.Contains("at index 2", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("model.type", "\"Unigram\"", "Unigram")]
    [InlineData("model.dropout", "0.1", "dropout")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix")]
    [InlineData("model.merges", """["a b c"]""", "merges")]
    [InlineData("model.merges", """["zz nosuch"]""", "nosuch")]
    [InlineData("model.vocab", """{"a":"b"}""", "vocab.a")]
    [InlineData("normalizer", """{"type":"BertNormalizer"}""", "BertNormalizer")]
    [InlineData("pre_tokenizer", """{"type":"BertPreTokenizer"}""", "BertPreTokenizer")]
    [InlineData("pre_tokenizer", """{"type":"Metaspace","replacement":"_","prepend_scheme":"sometimes"}""", "prepend_scheme")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"}""", "pattern")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"a"},"behavior":"Merged"}""", "behavior")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated"}""", "\\1 at character 5")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?i:st)"},"behavior":"Isolated"}""", "equals one character")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?i:é)"},"behavior":"Isolated"}""", "where case is ignored")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?i:[\\p{L}])"},"behavior":"Isolated"}""", "where case is ignored")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\p{Nonsense}"},"behavior":"Isolated"}""", "Nonsense")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?<n>a)"},"behavior":"Isolated"}""", "a named group")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"a+*"},"behavior":"Isolated"}""", "a quantifier after a quantifier")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\X"},"behavior":"Isolated"}""", "\\X")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"\\Ga|a\\K"},"behavior":"Isolated"}""", "\\G")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(?~a)"},"behavior":"Isolated"}""", "a group that begins so")]
    [InlineData("pre_tokenizer", """{"type":"Split","pattern":{"Regex":"[[:word:]"},"behavior":"Isolated"}""", "unfinished")]
    [InlineData("normalizer", """{"type":"Prepend","prepend":"_"}""", "normalized")]
    [InlineData("decoder", """{"type":"Sequence","decoders":[{"type":"Strip","content":" ","start":1,"stop":0}]}""", "decode")]
    [InlineData("post_processor", """{"type":"BertProcessing"}""", "BertProcessing")]
    [InlineData("decoder", """{"type":"WordPiece"}""", "WordPiece")]
    [InlineData("model", "null", "model")]
    public void Refuses_an_unsupported_part_by_name(string path, string value, string named)
    {
        using var folder = new TemporaryCheckpoint();
        folder.Edit(
            "tokenizer.json",
            json =>
            {
                string[] parts = path.Split('.');
                JsonObject owner = parts.Length == 1 ? json : json[parts[0]]!.AsObject();
                owner[parts[^1]] = JsonNode.Parse(value);
                json["added_tokens"]![0]!["normalized"] = true;
            }
        );
        InputException e = Assert.Throws<InputException>(() => Tokenizer.Load(folder.Folder));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_a_folder_without_a_tokenizer()
    {
        Assert.Contains("/no/such", Assert.Throws<InputException>(() => Tokenizer.Load("/no/such")).Message, StringComparison.Ordinal);
        using var folder = new TemporaryCheckpoint();
        File.Delete(folder.PathOf("tokenizer.json"));
        Assert.Contains(
            "tokenizer.json",
            Assert.Throws<InputException>(() => Tokenizer.Load(folder.Folder)).Message,
            StringComparison.Ordinal
        );
    }
}
