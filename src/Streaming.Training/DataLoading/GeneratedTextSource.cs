using Streaming.Training.Corpora;
using Streaming.Training.Numerics;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.DataLoading;

/// <summary>
/// A source whose dialogues are made up: each number has one of its own. What is too near to the messages that judge the model is
/// not dealt.
/// </summary>
/// <param name="description">Its description.</param>
/// <param name="generator">Makes them up.</param>
/// <param name="prompts">Puts system prompts before them.</param>
/// <param name="encoder">Writes them as tokens.</param>
/// <param name="seed">The run's seed.</param>
internal sealed class GeneratedTextSource(
    SourceDescription description,
    DialogueGenerator generator,
    SystemPrompts prompts,
    DocumentEncoder encoder,
    ulong seed
) : ITextSource
{
    private const int MostTries = 100;

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
        GeneratedDialogue dialogue = Kept(random);
        return dialogue with { Turns = prompts.Before(dialogue.Turns, description, random) };
    }

    private GeneratedDialogue Kept(SeededRandom random)
    {
        for (int i = 0; i < MostTries; i++)
        {
            GeneratedDialogue dialogue = generator.Next(random);
            if (!dialogue.Turns.Any(t => t.Role == Turn.User && OpeningMessages.Default.IsNearDuplicate(t.Content)))
                return dialogue;
        }
        throw new InvalidOperationException($"The generator '{description.Generator}' says nothing but what judges the model.");
    }
}
