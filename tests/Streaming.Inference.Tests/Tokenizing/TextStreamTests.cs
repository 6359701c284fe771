using System.Text;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

public class TextStreamTests
{
    private static readonly ToyVocabulary Toy = new("END", "E", "ND", "<|", "stop", "|>", "é", "日本", "😀", "aEN", "D.");

    private static (string[] Texts, string Remainder, bool Stopped) Run(IEnumerable<int> ids, params string[] stop)
    {
        var stream = new TextStream(Toy, TextState.Empty, stop);
        string[] texts = [.. ids.Select(stream.Append)];
        return (texts, stream.Flush(), stream.Stopped);
    }

    [Fact]
    public void Shows_a_character_after_its_last_byte()
    {
        (string[] texts, string rest, _) = Run(ToyVocabulary.Bytes("a€😀"));
        Assert.Equal(["a", "", "", "€", "", "", "", "😀"], texts);
        Assert.Equal("", rest);
    }

    [Fact]
    public void An_incomplete_character_at_the_end_becomes_one_replacement_character()
    {
        (string[] texts, string rest, _) = Run([0xF0, 0x9F, 0x98]);
        Assert.Equal(["", "", ""], texts);
        Assert.Equal("\uFFFD", rest);
    }

    [Fact]
    public void Replaces_invalid_bytes_at_once()
    {
        (string[] texts, _, _) = Run([0xFF, 0xE2, 0x41, 0x80]);
        Assert.Equal(["\uFFFD", "", "\uFFFDA", "\uFFFD"], texts);
    }

    [Fact]
    public void A_control_token_adds_no_text()
    {
        (string[] texts, string rest, _) = Run(['a', ToyVocabulary.Control, 'b']);
        Assert.Equal(["a", "", "b"], texts);
        Assert.Equal("", rest);
    }

    [Fact]
    public void A_control_token_is_a_stop_string_alone_and_not_beside_other_text()
    {
        var stream = new TextStream(Toy, TextState.Empty, ["END", "<c>"]);
        Assert.True(stream.IsStop(ToyVocabulary.Control));
        Assert.False(stream.IsStop('E'));
        Assert.Equal("a", stream.Append('a'));
        foreach (string stop in new[] { "a<c>", "<c> ", "<c><c>", "\n<c>\n" })
        {
            InputException refused = Assert.Throws<InputException>(() => new TextStream(Toy, TextState.Empty, ["END", stop]));
            Assert.Contains($"'{stop.Replace('\n', ' ')}'", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_stop_string_that_a_model_spells_out_matches_though_it_is_a_control_token_too()
    {
        (string[] texts, _, bool stopped) = Run(ToyVocabulary.Bytes("a<c>"), "<c>");
        Assert.Equal("a", string.Concat(texts));
        Assert.True(stopped);
    }

    [Fact]
    public void The_first_token_of_a_reply_lacks_the_space_of_SentencePiece()
    {
        Tokenizer tokenizer = Vocabularies.Get("mistral");
        int[] ids = tokenizer.Encode("Hello world", parseControl: false, addSpecial: false);
        var reply = new TextStream(tokenizer, TextState.Empty, [], beginsText: true);
        Assert.Equal(["Hello", " world"], ids.Select(reply.Append));
        var continuation = new TextStream(tokenizer, TextState.Empty, []);
        Assert.Equal([" Hello", " world"], ids.Select(continuation.Append));
    }

    [Fact]
    public void Holds_back_a_possible_beginning_of_a_stop_string()
    {
        (string[] texts, _, bool stopped) = Run(ToyVocabulary.Bytes("xENENx"), "END");
        Assert.Equal(["x", "", "", "EN", "", "ENx"], texts);
        Assert.False(stopped);
    }

    [Fact]
    public void Flush_returns_held_back_text()
    {
        (string[] texts, string rest, _) = Run(ToyVocabulary.Bytes("xEN"), "END");
        Assert.Equal(["x", "", ""], texts);
        Assert.Equal("EN", rest);
    }

    [Fact]
    public void A_stop_string_across_tokens_is_not_shown_and_ends_the_text()
    {
        const int aEN = 266,
            dDot = 267;
        (string[] texts, string rest, bool stopped) = Run([aEN, dDot, 'x'], "END");
        Assert.Equal(["a", "", ""], texts);
        Assert.Equal("", rest);
        Assert.True(stopped);
    }

    [Fact]
    public void The_stop_string_that_ends_first_wins_for_any_split_into_tokens()
    {
        string[] stop = ["abcd", "bc"];
        var whole = new TextStream(new ToyVocabulary("abcd"), TextState.Empty, stop);
        Assert.Equal("a", whole.Append(257));
        Assert.Equal("a", string.Concat(Run(ToyVocabulary.Bytes("abcd"), stop).Texts));
    }

    [Fact] // no InlineData: attributes cannot hold half a surrogate pair
    public void Refuses_an_empty_or_invalid_stop_string()
    {
        foreach (string stop in new[] { "", "\uD83D", "x\uDE00y" })
            Assert.Throws<InputException>(() => new TextStream(Toy, TextState.Empty, [stop]));
    }

    [Fact]
    public void A_resumed_stream_gives_the_same_text_as_an_uninterrupted_one()
    {
        string[][] stops =
        [
            [],
            ["END"],
            ["<|stop|>", "END."],
            ["日本語", "\uFFFD\uFFFD", "aEN"],
            ["éé", "ND"],
        ];
        var random = new Random(1);
        int resumedInMidstream = 0;
        for (int run = 0; run < 3_000; run++)
        {
            string[] stop = stops[run % stops.Length];
            int[] ids = [.. Enumerable.Range(0, 40).Select(_ => RandomId(random))];
            var uninterrupted = new TextStream(Toy, TextState.Empty, stop);
            var resumed = new TextStream(Toy, TextState.Empty, stop);
            var all = new StringBuilder();
            foreach (int id in ids)
            {
                if (random.Next(3) == 0 && !resumed.Stopped)
                {
                    resumedInMidstream += resumed.State.IsEmpty ? 0 : 1;
                    resumed = new TextStream(Toy, resumed.State, stop);
                }
                string text = uninterrupted.Append(id);
                Assert.Equal(text, resumed.Append(id));
                Assert.Equal(uninterrupted.Stopped, resumed.Stopped);
                all.Append(text);
            }
            string rest = uninterrupted.Flush();
            Assert.Equal(rest, resumed.Flush());
            Assert.Equal(WholeText(ids, stop), all.Append(rest).ToString());
        }
        Assert.InRange(resumedInMidstream, 1_000, int.MaxValue);
    }

    /// <summary>The text by definition: decode everything at once, and cut at the stop string that ends first.</summary>
    private static string WholeText(int[] ids, string[] stop)
    {
        string text = Encoding.UTF8.GetString([.. ids.SelectMany(id => Toy.BytesOf(id).ToArray())]);
        for (int end = 1; end <= text.Length; end++)
        {
            string? met = stop.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).MaxBy(s => s.Length);
            if (met is not null)
                return text[..(end - met.Length)];
        }
        return text;
    }

    private static int RandomId(Random random) =>
        random.Next(4) switch
        {
            0 => random.Next(256),
            1 => "END<|stop|>."[random.Next(12)],
            _ => random.Next(ToyVocabulary.Control, Toy.Size),
        };
}
