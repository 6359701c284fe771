using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>Prepends to a share of the dialogues a system prompt that names their kind of conversation.</summary>
/// <param name="mixture">The mixture with the prompts.</param>
internal sealed class SystemPrompts(MixtureFile mixture)
{
    /// <summary>The dialogue, in the source's share of cases with a random system prompt; a dialogue with its own keeps it.</summary>
    public IReadOnlyList<Turn> PrependRandom(IReadOnlyList<Turn> turns, SourceDescription source, SeededRandom random) =>
        turns[0].Role == Turn.System || !random.Chance(source.SystemPromptShare)
            ? turns
            : [new Turn(Turn.System, random.Of(mixture.SystemPrompts[source.Kind])), .. turns];

    /// <summary>The dialogue as most training dialogues of its source: with the first system prompt of its kind, or with none.</summary>
    public IReadOnlyList<Turn> PrependUsual(IReadOnlyList<Turn> turns, SourceDescription source) =>
        turns[0].Role == Turn.System || source.SystemPromptShare <= 0.5
            ? turns
            : [new Turn(Turn.System, mixture.SystemPrompts[source.Kind][0]), .. turns];
}
