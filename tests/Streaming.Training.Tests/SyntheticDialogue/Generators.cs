using Streaming.Inference.Tokenizing;
using Streaming.Training.Corpora;
using Streaming.Training.DataLoading;
using Streaming.Training.SyntheticDialogue;
using Streaming.Training.Vocabularies;

namespace Streaming.Training.Tests.SyntheticDialogue;

/// <summary>The generators, with a few test stories.</summary>
internal static class Generators
{
    public static readonly IReadOnlyList<string> Stories =
    [
        "Once upon a time there was a little dog. The dog liked to run. One day the dog met a cat, and the cat was sad. \"Come "
            + "and play,\" said the dog. They played until the sun went down, and from then on they were friends. Dogs and cats can "
            + "be friends too.",
        "One day a boy found a ball in the garden. The ball was red and round. He threw the ball high into the air, and it "
            + "came down again and again. \"What a good ball,\" said the boy. In the evening he took the ball to bed, and he dreamed "
            + "of the garden.",
        "A small frog sat by the river. The frog wanted to see the sea. It jumped and jumped for many days. At last it stood "
            + "at the sea and said: \"How big it is!\" Then the frog went home and told all the other frogs about it, and no frog "
            + "believed a word.",
    ];

    public static GeneratedTextSource Source(string generator)
    {
        var description = new SourceDescription
        {
            Name = generator,
            Share = 1,
            Kind = TalkKind.Chat,
            Generator = generator,
            StoriesOf = "stories",
            SystemPromptShare = 0,
        };
        var mixture = new MixtureFile { Sources = [description], SystemPrompts = new Dictionary<TalkKind, IReadOnlyList<string>>() };
        return new GeneratedTextSource(description, Of(generator), new SystemPrompts(mixture), Encoder(), seed: 4);
    }

    public static DialogueGenerator Of(string generator) =>
        DialogueGenerator.Of(
            new SourceDescription
            {
                Name = generator,
                Share = 1,
                Kind = TalkKind.Chat,
                Generator = generator,
                StoriesOf = "stories",
            },
            new Dictionary<string, Corpus> { ["stories"] = new([.. Stories.Select(s => new Prose(s, Begins: true, Ends: true))], []) }
        );

    /// <summary>An encoder with one token per byte.</summary>
    public static DocumentEncoder Encoder()
    {
        using var folder = new TemporaryFolder();
        TokenizerWriter.Write(folder.Path, new BytePairVocabulary(DocumentEncoder.ControlTokens), context: 64);
        return new DocumentEncoder(Tokenizer.Load(folder.Path));
    }
}
