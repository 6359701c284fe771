using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Numerics;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.Tests.SyntheticDialogue;

public class OpeningMessagesTests
{
    [Fact]
    public void There_are_fifty_distinct_opening_messages()
    {
        IReadOnlyList<string> messages = OpeningMessages.Default.Messages;
        Assert.Equal(50, messages.Count);
        for (int i = 0; i < messages.Count; i++)
            Assert.DoesNotContain(
                messages.Skip(i + 1),
                other => OpeningMessages.Similarity(messages[i], other) >= OpeningMessages.NearDuplicate
            );
    }

    [Theory]
    [InlineData("What is four plus five?", "what is 4 plus 5", 1)]
    [InlineData("It's my birthday today!", "its my birthday, today", 1)]
    [InlineData("Where do you live?", "Where do you work?", 0.75)]
    [InlineData("Do you prefer tea or coffee?", "Do you prefer tea or milk?", 5.0 / 6)]
    [InlineData("Nice to see you again, friend.", "Nice to see you, friend.", 5.0 / 6)]
    [InlineData("Hello", "What is the capital city of France?", 0)]
    public void Similarity_is_one_minus_the_share_of_edited_words(string one, string other, double expected) =>
        Assert.Equal(expected, OpeningMessages.Similarity(one, other), 1e-9);

    [Theory]
    [
        InlineData("small-talk", 20_000),
        InlineData("sums", 20_000),
        InlineData("story-requests", 5_000),
        InlineData("endless-stories", 2_000)
    ]
    public void Generates_no_near_duplicate_of_an_opening_message(string generator, int count)
    {
        GeneratedTextSource source = Generators.Source(generator);
        int messages = 0;
        for (int i = 0; i < count; i++)
        {
            foreach (Turn turn in source.Dialogue(i).Turns.Where(t => t.Role == Turn.User))
            {
                messages++;
                Assert.False(OpeningMessages.Default.IsNearDuplicate(turn.Content), $"'{turn.Content}' is a near-duplicate.");
            }
        }
        Assert.True(messages >= count);
    }

    [Fact]
    public void Would_generate_near_duplicates_without_that_check()
    {
        var sums = new SumGenerator();
        Assert.Contains(
            Enumerable.Range(0, 5000),
            i => sums.Next(SeededRandom.For(1, "sums", i)).Turns.Any(t => OpeningMessages.Default.IsNearDuplicate(t.Content))
        );
    }
}
