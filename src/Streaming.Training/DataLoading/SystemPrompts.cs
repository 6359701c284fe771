using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>Says what kind of talk is wanted: before a share of the dialogues, a system prompt of their kind.</summary>
/// <param name="mixture">The mixture with its prompts.</param>
internal sealed class SystemPrompts(MixtureFile mixture)
{
    /// <summary>The dialogue, perhaps with a system prompt before it; one that has its own keeps it.</summary>
    public IReadOnlyList<Turn> Before(IReadOnlyList<Turn> turns, SourceDescription source, SeededRandom random) =>
        turns[0].Role == Turn.System || !random.Chance(source.SystemPromptShare)
            ? turns
            : [new Turn(Turn.System, random.Of(mixture.SystemPrompts[source.Kind])), .. turns];

    /// <summary>The dialogue as most of its source are dealt: behind the first system prompt of its kind, or behind none.</summary>
    public IReadOnlyList<Turn> Usual(IReadOnlyList<Turn> turns, SourceDescription source) =>
        turns[0].Role == Turn.System || source.SystemPromptShare <= 0.5
            ? turns
            : [new Turn(Turn.System, mixture.SystemPrompts[source.Kind][0]), .. turns];
}
