using System.Text.Json.Nodes;
using Streaming.Inference.Chat;
using Streaming.Inference.Tests.Tokenizing;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Chat;

/// <summary>What is fed after a reply that was cut off, with a vocabulary that prepends a space to each section of text.</summary>
public class CutReplyTests
{
    private const int End = 2; // </s>

    [Theory]
    [InlineData(" </s>\n")]
    [InlineData("</s>\n")]
    [InlineData("\n")]
    [InlineData(" \n\n")]
    public void The_ids_are_those_of_the_whole_dialogue_encoded_at_once(string afterReply)
    {
        (Tokenizer tokenizer, ChatFormat format) = WithTemplate(afterReply);
        int[] whole = tokenizer.Encode(
            $"### User: Hi\n### Bot: Good day{afterReply}### User: More\n### Bot:",
            parseControl: true,
            addSpecial: true
        );
        int[] opening = format.Opening(null, ["Hi"]),
            said = [tokenizer.IdOf("▁Good")!.Value, tokenizer.IdOf("▁day")!.Value],
            next = format.Continuation(null, ["More"], lastId: said[^1]);
        Assert.Equal(whole, (int[])[.. opening, .. said, .. next]);
    }

    [Fact]
    public void Text_after_an_end_token_begins_a_section()
    {
        (Tokenizer tokenizer, ChatFormat format) = WithTemplate("\n");
        int[] next = format.Continuation(null, ["More"], lastId: End);
        Assert.Equal(tokenizer.Encode("</s>\n### User: More\n### Bot:", parseControl: true, addSpecial: false), (int[])[End, .. next]);
    }

    private static (Tokenizer, ChatFormat) WithTemplate(string afterReply)
    {
        string folder = Directory.CreateTempSubdirectory("chat-").FullName;
        try
        {
            File.Copy(Path.Combine(Vocabularies.FolderOf("mistral"), "tokenizer.json"), Path.Combine(folder, "tokenizer.json"));
            string template =
                "{% for m in messages %}{% if m.role == 'user' %}### User: {{ m.content }}\n{% else %}### Bot: {{ m.content }}"
                + $"{afterReply}{{% endif %}}{{% endfor %}}### Bot:";
            File.WriteAllText(
                Path.Combine(folder, "tokenizer_config.json"),
                new JsonObject { ["chat_template"] = template }.ToJsonString()
            );
            var tokenizer = Tokenizer.Load(folder);
            return (tokenizer, ChatFormat.Load(folder, tokenizer));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
