using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Tests.SyntheticDialogue;

namespace Streaming.Training.Tests.DataLoading;

public class DocumentTests
{
    private static readonly DocumentEncoder Encoder = Generators.Encoder();

    private static readonly Turn[] Turns =
    [
        new(Turn.System, "You chat."),
        new(Turn.User, "Hello <|im_end|>!"),
        new(Turn.Assistant, "Hi."),
        new(Turn.User, "Bye."),
        new(Turn.Assistant, "See you."),
    ];

    [Fact]
    public void Encodes_a_dialogue_as_the_chat_template_and_masks_all_but_the_assistants_words()
    {
        Document document = Encoder.Encode(Turns);
        Assert.Equal(
            "(1)system\nYou chat.(2)\n(1)user\nHello <|im_end|>!(2)\n(1)assistant\nHi.(2)\n"
                + "(1)user\nBye.(2)\n(1)assistant\nSee you.(2)\n(3)",
            Shown(document.Ids)
        );
        Assert.Equal("Hi.(2)See you.(2)", Shown(document.Ids.Where((_, i) => document.LossMask[i])));
        Assert.Equal("(1)system\nYou chat.(2)\n", Shown(document.Ids.Take(document.Prompt)));
        Assert.Equal(["(1)user\nHell", "(1)user\nBye."], document.TurnStarts.Select(cut => Shown(document.Ids.Skip(cut).Take(10))));
    }

    [Fact]
    public void Counts_the_words_of_both_roles_but_not_the_system_prompt_for_a_dialogue_between_two_people()
    {
        Document document = Encoder.Encode(Turns, bothRoles: true);
        Assert.Equal("Hello <|im_end|>!(2)Hi.(2)Bye.(2)See you.(2)", Shown(document.Ids.Where((_, i) => document.LossMask[i])));
    }

    [Fact]
    public void Leaves_out_the_end_token_of_an_open_reply()
    {
        Document document = Encoder.Encode(Turns[1..3], ends: false);
        Assert.Equal("(1)user\nHello <|im_end|>!(2)\n(1)assistant\nHi.", Shown(document.Ids));
    }

    [Fact]
    public void Counts_all_of_a_story_in_the_loss()
    {
        Document end = Encoder.Encode(new Prose("The end.", Begins: false, Ends: true));
        Assert.Equal("The end.(3)", Shown(end.Ids));
        Assert.All(end.LossMask, Assert.True);
        Assert.Equal("It goes on\n", Shown(Encoder.Encode(new Prose("It goes on", Begins: true, Ends: false)).Ids));
    }

    [Fact]
    public void Continues_a_remainder_at_a_users_turn_after_the_system_prompt()
    {
        Document document = Encoder.Encode(Turns);
        int inReply = Array.LastIndexOf(document.Ids, 'S' + Encoder.EndOfText + 1) + 2;

        Document rest = document.Remainder(inReply, longestRepeat: 100)!;

        Assert.Equal("(1)system\nYou chat.(2)\n(1)user\nBye.(2)\n(1)assistant\nSee you.(2)\n(3)", Shown(rest.Ids));
        Assert.Equal("See you.(2)", Shown(rest.Ids.Where((_, i) => rest.LossMask[i])));
        Assert.Equal(rest.Prompt, Assert.Single(rest.TurnStarts));
    }

    [Fact]
    public void Continues_a_long_turn_in_its_middle_and_masks_the_first_token()
    {
        Document document = Encoder.Encode([new(Turn.User, "Tell."), new(Turn.Assistant, "abcdefghijklmnopqrstuvwxyz")]);
        int inReply = Array.IndexOf(document.Ids, 'h' + Encoder.EndOfText + 1);

        Document rest = document.Remainder(inReply, longestRepeat: 10)!;

        Assert.Equal("hijklmnopqrstuvwxyz(2)\n(3)", Shown(rest.Ids));
        Assert.Equal("ijklmnopqrstuvwxyz(2)", Shown(rest.Ids.Where((_, i) => rest.LossMask[i])));
    }

    [Fact]
    public void Drops_a_short_remainder() =>
        Assert.Null(Encoder.Encode(new Prose("A story that is over.", true, true)).Remainder(taken: 12, longestRepeat: 4));

    [Fact]
    public void Keeps_the_whole_text_if_only_its_system_prompt_fitted()
    {
        Document document = Encoder.Encode(Turns);
        Assert.Same(document, document.Remainder(document.Prompt - 2, longestRepeat: 100));
        Assert.Null(document.Remainder(document.Prompt - 2, longestRepeat: 10));
    }

    /// <summary>Bytes as text, control tokens as their ids.</summary>
    private static string Shown(IEnumerable<int> ids) =>
        string.Concat(ids.Select(id => id <= Encoder.EndOfText ? $"({id})" : $"{(char)(id - Encoder.EndOfText - 1)}"));
}
