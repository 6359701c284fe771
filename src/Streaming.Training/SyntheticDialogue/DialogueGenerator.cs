using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>A dialogue that was made up.</summary>
/// <param name="Turns">Its turns.</param>
/// <param name="Ends">Whether it is over with its last turn; otherwise that turn goes on for ever.</param>
internal sealed record GeneratedDialogue(IReadOnlyList<Turn> Turns, bool Ends = true);

/// <summary>Makes up dialogues of one kind; what it makes depends on the randomness alone.</summary>
internal abstract class DialogueGenerator
{
    /// <summary>A dialogue.</summary>
    public abstract GeneratedDialogue Next(SeededRandom random);

    /// <summary>The generator that a source names.</summary>
    /// <param name="source">The source.</param>
    /// <param name="corpora">The sources that are files, by name.</param>
    public static DialogueGenerator Of(SourceDescription source, IReadOnlyDictionary<string, Corpus> corpora)
    {
        StoryIndex Shelf() => new(corpora[source.StoriesOf!].Training.OfType<Prose>());
        return source.Generator switch
        {
            GeneratorNames.SmallTalk => new SmallTalkGenerator(),
            GeneratorNames.Sums => new SumGenerator(),
            GeneratorNames.StoryRequests => new StoryRequestGenerator(Shelf()),
            GeneratorNames.EndlessStories => new EndlessStoryGenerator(Shelf()),
            _ => throw new ArgumentException($"There is no generator '{source.Generator}'.", nameof(source)),
        };
    }
}
