using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.DataLoading;

/// <summary>A source that was read from a file. Each epoch gives all its texts in another random order.</summary>
/// <param name="description">The source's description.</param>
/// <param name="corpus">The texts.</param>
/// <param name="prompts">Prepends system prompts to dialogues.</param>
/// <param name="encoder">Encodes the texts.</param>
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
    private long _epoch = -1;

    public SourceDescription Description => description;

    public Document Document(long number)
    {
        int count = corpus.Training.Count;
        if (number / count != _epoch)
        {
            _epoch = number / count;
            _order = [.. Enumerable.Range(0, count)];
            SeededRandom.For(seed, description.Name + "/order", _epoch).Shuffle<int>(_order);
        }
        return corpus.Training[_order[number % count]] switch
        {
            Dialogue dialogue => encoder.Encode(
                prompts.PrependRandom(dialogue.Turns, description, SeededRandom.For(seed, description.Name, number)),
                bothRoles: description.Kind == TalkKind.Person
            ),
            Prose prose => encoder.Encode(prose),
            var other => throw new InvalidOperationException($"A text of the kind {other.GetType().Name} has no tokens."),
        };
    }
}
