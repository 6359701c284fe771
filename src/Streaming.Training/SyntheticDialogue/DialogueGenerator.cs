using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>A synthetic dialogue.</summary>
/// <param name="Turns">Its turns.</param>
/// <param name="Ends">Whether the last turn ends; otherwise it stays open, as the beginning of an endless reply.</param>
internal sealed record GeneratedDialogue(IReadOnlyList<Turn> Turns, bool Ends = true);

/// <summary>Generates dialogues of one kind, as a pure function of the random sequence.</summary>
internal abstract class DialogueGenerator
{
    /// <summary>Generates a dialogue.</summary>
    public abstract GeneratedDialogue Next(SeededRandom random);

    /// <summary>The generator that a source names.</summary>
    /// <param name="source">The source.</param>
    /// <param name="corpora">The corpora of the sources that are files, by name.</param>
    /// <exception cref="ArgumentException">There is no such generator.</exception>
    public static DialogueGenerator Of(SourceDescription source, IReadOnlyDictionary<string, Corpus> corpora)
    {
        StoryIndex Stories() => new(corpora[source.StoriesOf!].Training.OfType<Prose>());
        return source.Generator switch
        {
            GeneratorNames.SmallTalk => new SmallTalkGenerator(),
            GeneratorNames.Sums => new SumGenerator(),
            GeneratorNames.StoryRequests => new StoryRequestGenerator(Stories()),
            GeneratorNames.EndlessStories => new EndlessStoryGenerator(Stories()),
            _ => throw new ArgumentException($"There is no generator '{source.Generator}'.", nameof(source)),
        };
    }
}
