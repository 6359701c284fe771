using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>A user asks for a story and gets one about the requested subject.</summary>
/// <param name="stories">The stories.</param>
internal sealed class StoryRequestGenerator(StoryIndex stories) : DialogueGenerator
{
    private static readonly Template AskAny = Template.Parse(
        "{{Tell me|Please tell me|Can you tell me|Could you tell me|Would you tell me|I want to hear|I would like|Give me"
            + "|Read me} a {story|short story|tale|nice story|good story|new story|fairy tale|children's story"
            + "|bedtime story}{, please|}{.|?|}"
            + "|A story, please.|Do you know {a story|any stories|a good story}?|Story time!|Tell a story.|I want a story."
            + "|Another story, please.|Tell me another one.}"
    );

    private static readonly Template AskAbout = Template.Parse(
        "{{Tell me|Please tell me|Can you tell me|Could you tell me|Will you tell me|I want to hear|I would like to hear|Write"
            + "|Write me|Make up|Think of|Give me} a {story|story|story|short story|little story|tale|nice story|children's story"
            + "|bedtime story} {about|about|about|with} {<a:it>|<a:it>|<a:it>|<a:it> called <name>|<a:adjective> <it>}{, please|}{."
            + "|?|}"
            + "|Do you know a {story|tale|good story} about <a:it>?|A story about <a:it>{, please|}."
            + "|What happened to the <it>? Tell me a story.|{Invent|Think up} something about {<a:it>|<a:adjective> <it>}{, please"
            + "|}.|My {son|child|brother|friend} wants a {story|tale} about {<a:it>|<a:adjective> <it>}.|{Can|May} {I|we} {have"
            + "|get} a {funny |short |nice |}{story|tale} {about|with} {<a:it>|two <s:it>}?|I {like"
            + "|love} <s:it>. Tell me a story{ about one|}.|Once upon a time there was <a:it>. Go on.|{story|Story} about <a:it>}"
    );

    private static readonly Template Lead = Template.Parse(
        "{{Here is a story about <a:it>|Sure, here is a story about <a:it>|I know one about <a:it>"
            + "|Gladly. This is a story about <a:it>|Yes, I know a story about <a:it>}.|}"
    );

    private static readonly Template Praise = Template.Parse(
        "{{Thank you|Thanks}{ for the story|}!|{That was|What} a {nice|lovely|good|beautiful|funny|sweet} story{!|.}|I {like"
            + "|love|liked} {that|this|the} story.|{Nice|Good|Lovely|Great} story!|That was {nice|lovely|great|fun}.}"
    );

    private static readonly Template Answer = Template.Parse(
        "{You are welcome! I am glad {that you liked it|you liked it}.|I am {happy|glad} that you liked it."
            + "|Thank you for listening!|You are welcome. Would you like {to hear |}another one?"
            + "|Thank you! Shall I tell another one?}"
    );

    private static readonly Template AskAgain = Template.Parse(
        "{{Tell me|Can you tell me} {more|another one|another story}{, please|}{.|?}|{One more|Another one|More}{, please|}{."
            + "|!}|Yes, another one{, please|}.|And now one about <a:it>.|Now {tell me |}{a story |one |}about <a:it>.}"
    );

    private static readonly IReadOnlyDictionary<string, string[]> Lists = new Dictionary<string, string[]>
    {
        ["name"] = ["Max", "Bella", "Tim", "Lily", "Sam", "Rosie", "Ben", "Mia"],
        ["adjective"] =
        [
            "little",
            "brave",
            "lost",
            "happy",
            "sad",
            "small",
            "big",
            "funny",
            "lonely",
            "young",
            "old",
            "kind",
            "lazy",
            "clever",
            "shy",
        ],
    };

    public override GeneratedDialogue Next(SeededRandom random)
    {
        var turns = new List<Turn>();
        Tell(turns, random, first: true);
        if (random.Chance(0.3))
            turns.AddRange([new(Turn.User, CasualTyping.Apply(Praise.Fill(random), random)), new(Turn.Assistant, Answer.Fill(random))]);
        if (random.Chance(0.25))
            Tell(turns, random, first: false);
        return new GeneratedDialogue(turns);
    }

    private void Tell(List<Turn> turns, SeededRandom random, bool first)
    {
        if (random.Chance(0.15) && first)
        {
            turns.AddRange([new(Turn.User, CasualTyping.Apply(AskAny.Fill(random), random)), new(Turn.Assistant, stories.Any(random))]);
            return;
        }
        (string subject, string story) = stories.About(random);
        var words = new Dictionary<string, string> { ["it"] = subject };
        string request = (first ? AskAbout : AskAgain).Fill(random, words, Lists),
            lead = Lead.Fill(random, words, Lists);
        turns.Add(new(Turn.User, CasualTyping.Apply(request, random)));
        turns.Add(new(Turn.Assistant, lead.Length > 0 && random.Chance(0.6) ? $"{lead}\n{story}" : story));
    }
}
