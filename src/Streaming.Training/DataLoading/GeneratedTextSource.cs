using Streaming.Training.Corpora;
using Streaming.Training.Numerics;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.DataLoading;

/// <summary>
/// A source of synthetic dialogues, one for each number. Dialogues with near-duplicates of the messages that evaluate the model are
/// left out.
/// </summary>
/// <param name="description">The source's description.</param>
/// <param name="generator">Generates the dialogues.</param>
/// <param name="prompts">Prepends system prompts.</param>
/// <param name="encoder">Encodes the dialogues.</param>
/// <param name="seed">The run's seed.</param>
internal sealed class GeneratedTextSource(
    SourceDescription description,
    DialogueGenerator generator,
    SystemPrompts prompts,
    DocumentEncoder encoder,
    ulong seed
) : ITextSource
{
    private const int MaxTries = 100;

    public SourceDescription Description => description;

    public Document Document(long number)
    {
        GeneratedDialogue dialogue = Dialogue(number);
        return encoder.Encode(dialogue.Turns, dialogue.Ends);
    }

    /// <summary>The n-th dialogue, with its system prompt.</summary>
    public GeneratedDialogue Dialogue(long number)
    {
        var random = SeededRandom.For(seed, description.Name, number);
        GeneratedDialogue dialogue = Generate(random);
        return dialogue with { Turns = prompts.PrependRandom(dialogue.Turns, description, random) };
    }

    private GeneratedDialogue Generate(SeededRandom random)
    {
        for (int i = 0; i < MaxTries; i++)
        {
            GeneratedDialogue dialogue = generator.Next(random);
            if (!dialogue.Turns.Any(t => t.Role == Turn.User && OpeningMessages.Default.IsNearDuplicate(t.Content)))
                return dialogue;
        }
        throw new InvalidOperationException(
            $"The generator '{description.Generator}' only generates near-duplicates of the opening messages."
        );
    }
}
