using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>A source that was read from a file: all its texts in a random order, then all again in another.</summary>
/// <param name="description">Its description.</param>
/// <param name="corpus">Its texts.</param>
/// <param name="prompts">Puts system prompts before dialogues.</param>
/// <param name="encoder">Writes them as tokens.</param>
/// <param name="seed">The run's seed.</param>
internal sealed class CorpusTextSource(
    SourceDescription description,
    Corpus corpus,
    SystemPrompts prompts,
    DocumentEncoder encoder,
    ulong seed
) : ITextSource
{
    private int[] _order = [];
    private long _round = -1;

    public SourceDescription Description => description;

    public Document Document(long number)
    {
        int count = corpus.Training.Count;
        if (number / count != _round)
        {
            _round = number / count;
            _order = [.. Enumerable.Range(0, count)];
            SeededRandom.For(seed, description.Name + "/order", _round).Shuffle<int>(_order);
        }
        return corpus.Training[_order[number % count]] switch
        {
            Dialogue dialogue => encoder.Encode(
                prompts.Before(dialogue.Turns, description, SeededRandom.For(seed, description.Name, number)),
                both: description.Kind == TalkKind.Person
            ),
            Prose prose => encoder.Encode(prose),
            var other => throw new InvalidOperationException($"A text of the kind {other.GetType().Name} has no tokens."),
        };
    }
}
