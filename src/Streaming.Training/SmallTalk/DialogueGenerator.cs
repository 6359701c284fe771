using Streaming.Training.Corpora;

namespace Streaming.Training.SmallTalk;

/// <summary>A dialogue that was made up.</summary>
/// <param name="Turns">Its turns.</param>
/// <param name="Ends">Whether it is over with its last turn; otherwise that turn goes on for ever.</param>
internal sealed record GeneratedDialogue(IReadOnlyList<Turn> Turns, bool Ends = true);

/// <summary>Makes up dialogues of one kind; what it makes depends on the randomness alone.</summary>
internal abstract class DialogueGenerator
{
    /// <summary>A dialogue.</summary>
    public abstract GeneratedDialogue Next(SeededRandom random);

    /// <summary>The generators that there are.</summary>
    public static IReadOnlyList<string> Names { get; } = ["small-talk", "sums", "story-requests", "endless-stories"];

    /// <summary>The generator that a source names.</summary>
    /// <param name="source">The source.</param>
    /// <param name="corpora">The sources that are files, by name.</param>
    public static DialogueGenerator Of(SourceDescription source, IReadOnlyDictionary<string, Corpus> corpora)
    {
        StoryShelf Shelf() => new(corpora[source.StoriesOf!].Training.OfType<Prose>());
        return source.Generator switch
        {
            "small-talk" => new SmallTalkGenerator(),
            "sums" => new SumGenerator(),
            "story-requests" => new StoryRequestGenerator(Shelf()),
            "endless-stories" => new EndlessStoryGenerator(Shelf()),
            _ => throw new ArgumentException($"There is no generator '{source.Generator}'.", nameof(source)),
        };
    }
}
