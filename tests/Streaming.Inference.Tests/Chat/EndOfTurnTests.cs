using Streaming.Inference.Chat;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Chat;

/// <summary>The token with which a template ends a reply's turn.</summary>
public class EndOfTurnTests
{
    private static readonly Tokenizer Starter = Tokenizer.Load(ModelFolders.Starter);

    [Theory]
    [InlineData("llama3", "<|eot_id|>"), InlineData("llama3.1", "<|eot_id|>")]
    [InlineData("mistral-v0.1", "</s>"), InlineData("mistral-v0.3", "</s>")]
    [InlineData("phi3", "<|end|>"), InlineData("qwen3", "<|im_end|>"), InlineData("smollm2", "<|im_end|>")]
    public void Published_templates_end_a_turn_with_their_token(string family, string token)
    {
        var loaded = ChatFamily.Get(family);
        Assert.Equal(loaded.Tokenizer.IdOf(token), loaded.Format.EndId);
    }

    [Theory]
    // ChatML; eos appended; a line end before the token; two tokens, of which the first ends the turn
    [InlineData("<|im_start|>R\nC<|im_end|>\n", "<|im_start|>assistant\n", "<|im_end|>")]
    [InlineData("R: CE\n", "assistant: ", "<|endoftext|>")]
    [InlineData("<|im_start|>R\nC\n<|im_end|>", "<|im_start|>assistant\n", "<|im_end|>")]
    [InlineData("<|im_start|>R\nC<|im_end|><|endoftext|>", "<|im_start|>assistant\n", "<|im_end|>")]
    // no end, but the next turn begins with a token
    [InlineData("<|im_start|>R\nC\n", "<|im_start|>assistant\n", "<|im_start|>")]
    // plain text, which replies may contain
    [InlineData("### R:\nC\n\n", "### assistant:\n", null)]
    // no token between a reply and the next message, only after that
    [InlineData("R: CU", "assistant: ", null)]
    // the model writes the inner token itself, so the token at the end may end each part of its turn
    [InlineData("<|im_start|>RAC<|im_end|>", "<|im_start|>assistant", null)]
    public void Finds_the_first_token_between_a_reply_and_the_next_message(string turn, string opening, string? token)
    {
        ChatFormat format = WithTemplate(turn, opening);
        Assert.Equal(token is null ? null : Starter.IdOf(token), format.EndId);
    }

    [Fact]
    public void A_template_that_shows_only_the_last_message_ends_no_turn()
    {
        Assert.Null(Load("{{ messages[-1].content }}<|im_end|>").EndId);
    }

    [Fact]
    public void A_continuation_begins_after_the_token_that_ended_the_reply_and_keeps_the_message()
    {
        const int endOfText = 3,
            endOfTurn = 2;
        ChatFormat two = WithTemplate("<|im_start|>R\nC<|im_end|><|endoftext|>", "<|im_start|>assistant\n");
        int[] whole = two.Continuation(null, ["Go on"], lastId: 500);
        Assert.Equal([endOfTurn, endOfText], whole[..2]);
        Assert.Equal(whole[1..], two.Continuation(null, ["Go on"], endOfTurn));

        // This template ends the user's turn with the token, and the reply's not at all.
        ChatFormat none = WithTemplate("R: CU", "assistant: ");
        Assert.Equal(none.Continuation(null, ["Go on"], lastId: 500), none.Continuation(null, ["Go on"], endOfTurn));
        Assert.Contains("Go on", Starter.Decode(none.Continuation(null, ["Go on"], endOfTurn)), StringComparison.Ordinal);
    }

    /// <summary>
    /// A template of a turn. R is the role, C the content, E the end-of-sequence token, A a token before replies only and U one after
    /// users' messages only.
    /// </summary>
    private static ChatFormat WithTemplate(string turn, string opening) =>
        Load(
            "{% for m in messages %}"
                + turn.Replace("R", "{{ m.role }}", StringComparison.Ordinal)
                    .Replace("C", "{{ m.content }}", StringComparison.Ordinal)
                    .Replace("E", "{{ eos_token if m.role == 'assistant' else '' }}", StringComparison.Ordinal)
                    .Replace("A", "{{ '<|startoftext|>' if m.role == 'assistant' else '' }}", StringComparison.Ordinal)
                    .Replace("U", "{{ '<|im_end|>' if m.role == 'user' else '' }}", StringComparison.Ordinal)
                + "{% endfor %}"
                + opening
        );

    private static ChatFormat Load(string template)
    {
        using var folder = new TemporaryCheckpoint();
        folder.Edit(
            "tokenizer_config.json",
            c =>
            {
                c["chat_template"] = template;
                c["eos_token"] = "<|endoftext|>";
            }
        );
        return ChatFormat.Load(folder.Folder, Starter);
    }
}
