using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.Tests.SyntheticDialogue;

namespace Streaming.Training.Tests.DataLoading;

public class HeldOutTextTests
{
    [Theory]
    [InlineData(1, true), InlineData(0.6, true), InlineData(0.5, false), InlineData(0, false)]
    public void Prepends_the_first_system_prompt_if_most_dialogues_of_the_source_have_one(double share, bool prepended)
    {
        SourceDescription source = new()
        {
            Name = "talk",
            Share = 1,
            Kind = TalkKind.Person,
            Dialogues = "none",
            SystemPromptShare = share,
        };
        var mixture = new MixtureFile
        {
            Sources = [source, source with { Name = "synthetic", Dialogues = null, Generator = "sums" }],
            SystemPrompts = new Dictionary<TalkKind, IReadOnlyList<string>> { [TalkKind.Person] = ["You are one.", "You are another."] },
        };
        Turn[] turns = [new(Turn.User, "Hello!"), new(Turn.Assistant, "Hi there!")];
        DocumentEncoder encoder = Generators.Encoder();

        HeldOutText text = Assert.Single(
            HeldOutText.Of(mixture, new Dictionary<string, Corpus> { ["talk"] = new([], [new Dialogue(turns)]) }, encoder)
        );

        Document expected = encoder.Encode(prepended ? [new Turn(Turn.System, "You are one."), .. turns] : turns);
        Assert.Equal(expected.Ids, text.Document.Ids);
        Assert.Equal(expected.LossMask, text.Document.LossMask);
        Assert.Equal("Hi there!".Length, text.Characters);
    }
}
