using System.Text;
using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>A user asks for an endless story and gets one story after another in a reply that stays open.</summary>
/// <param name="stories">The stories.</param>
internal sealed class EndlessStoryGenerator(StoryIndex stories) : DialogueGenerator
{
    private const int StoryCount = 5;

    private static readonly Template Ask = Template.Parse(
        "{{Tell me|Please tell me|Can you tell me|I want} {a story that never ends|an endless story|stories without an end"
            + "|a story without an end|a story that goes on and on|a very long story|a never ending story|one story after another}{."
            + "|?|, please.|}"
            + "|Tell {me |}stories and {never stop|do not stop|go on for ever}.|{Begin|Tell} a story and {go on for ever"
            + "|never end it|do not end it}."
            + "|Please {keep telling|go on telling} {me |}{a story|stories|tales}{ as long as you can| for hours| and never stop|}."
            + "|{I want|I would like} to {hear|read} {stories|tales} {all night|without an end|for hours}.}"
    );

    private static readonly Template Lead = Template.Parse(
        "{This is a story that never ends.\n|Here is a story without an end.\n|Gladly, for as long as you like.\n||||}"
    );

    private static readonly Template Join = Template.Parse(
        "{But that was not the end.|And the story went on.|But the story does not end here.|And then another story began."
            + "|But there is more to tell.|The next day, something else happened.|And this is what happened next."
            + "|Far away, another story began.}"
    );

    public override GeneratedDialogue Next(SeededRandom random)
    {
        string ask = CasualTyping.Apply(Ask.Fill(random), random);
        var text = new StringBuilder(Lead.Fill(random));
        for (int i = 0; i < StoryCount; i++)
            text.Append(stories.Any(random)).Append('\n').Append(Join.Fill(random)).Append('\n');
        return new GeneratedDialogue([new(Turn.User, ask), new(Turn.Assistant, text.ToString().TrimEnd())], Ends: false);
    }
}
