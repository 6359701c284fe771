using Streaming.Inference;
using Streaming.Training.Corpora;

namespace Streaming.Training.Tests.Corpora;

public class CorpusTests
{
    [Fact]
    public void Holds_out_every_hundredth_story_with_all_its_parts()
    {
        using var folder = new TemporaryFolder();
        string Long(int i) => string.Join('\n', Enumerable.Repeat($"This is line of story {i}.", 200));
        folder.Write("stories.txt", string.Join("\n---\n", Enumerable.Range(1, 250).Select(i => i % 50 == 0 ? Long(i) : $"Story {i}.")));

        var corpus = Corpus.Read(
            new SourceDescription
            {
                Name = "s",
                Share = 1,
                Kind = TalkKind.Story,
                Text = "stories.txt",
                Separator = "---",
            },
            folder.Path
        );

        Prose[] heldOut = [.. corpus.HeldOut.Cast<Prose>()];
        Assert.True(heldOut.Length > 2);
        Assert.Equal(
            [50, 150, 250],
            [.. heldOut.Where(p => p.Begins).Select(p => int.Parse(p.Text.Split('\n')[0].Split(' ')[^1].TrimEnd('.')))]
        );
        Assert.Equal(3, heldOut.Count(p => p.Ends));
        Assert.DoesNotContain(corpus.Training.Cast<Prose>(), p => p.Text.Contains("story 150.", StringComparison.Ordinal));
        Assert.Equal(247, corpus.Training.Cast<Prose>().Count(p => p.Ends));
    }

    [Fact]
    public void Reads_the_dialogues_of_one_source_from_a_compressed_file()
    {
        using var folder = new TemporaryFolder();
        using (
            var file = new System.IO.Compression.GZipStream(
                File.Create(folder["d.jsonl.gz"]),
                System.IO.Compression.CompressionLevel.Fastest
            )
        )
        using (var writer = new StreamWriter(file))
        {
            for (int i = 0; i < 6; i++)
            {
                string messages = $$"""[{"role":"user","content":"{{i}}"},{"role":"assistant","content":" é "}]""";
                writer.WriteLine($$"""{"source":"{{(i < 2 ? "a" : "b")}}","messages":{{messages}}}""");
            }
        }
        var corpus = Corpus.Read(
            new SourceDescription
            {
                Name = "x",
                Share = 1,
                Kind = TalkKind.Chat,
                Dialogues = "d.jsonl.gz",
                Only = "b",
            },
            folder.Path
        );
        Assert.Equal(["2", "3", "4", "5"], corpus.Training.Cast<Dialogue>().Select(d => d.Turns[0].Content));
        Assert.Equal("é", corpus.Training.Cast<Dialogue>().First().Turns[1].Content);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"judge","content":"x"}]}""", "line 2: the role 'judge'")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", "line 2: the dialogue has no assistant message")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "line 2 is not a dialogue")]
    [InlineData("""{"messages":""", "line 2 is not a dialogue")]
    [InlineData("[]", "line 2 is not a dialogue")]
    public void Refuses_a_line_that_is_not_a_dialogue_and_names_its_number(string line, string message)
    {
        using var folder = new TemporaryFolder();
        folder.Write("d.jsonl", """{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}""" + "\n" + line + "\n");
        InputException refused = Assert.Throws<InputException>(() =>
            Corpus.Read(
                new SourceDescription
                {
                    Name = "x",
                    Share = 1,
                    Kind = TalkKind.Chat,
                    Dialogues = "d.jsonl",
                },
                folder.Path
            )
        );
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }
}
