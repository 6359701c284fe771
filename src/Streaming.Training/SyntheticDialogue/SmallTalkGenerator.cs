using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>Generates the small talk that corpora lack: greetings, who the model is, feelings, thanks, goodbyes, small sums.</summary>
internal sealed class SmallTalkGenerator : DialogueGenerator
{
    private const int MaxTurns = 14;

    private readonly ExchangeCatalog _catalog = ExchangeCatalog.Load();

    public override GeneratedDialogue Next(SeededRandom random)
    {
        var turns = new List<Turn>();
        var used = new HashSet<string>();
        var names = new Dictionary<string, string>();
        if (random.Chance(0.35))
            Add(Stage.First);
        int middle = random.Chance(0.45) ? 1 : random.Next(5);
        for (int i = 0; i < middle && turns.Count < MaxTurns; i++)
        {
            if (random.Chance(0.06))
                turns.AddRange(SumGenerator.Exchange(random));
            else
                Add(Stage.Middle);
        }
        if (turns.Count == 0 || random.Chance(0.3))
            Add(Stage.Last);
        return new GeneratedDialogue(turns);

        void Add(Stage stage)
        {
            Topic topic = Choose(stage, random);
            if (used.Add(topic.Name))
                turns.AddRange(Say(random.Of(topic.Exchanges), random, names));
        }
    }

    private Topic Choose(Stage stage, SeededRandom random)
    {
        Topic[] topics = [.. _catalog.Topics.Where(t => t.Stage == stage)];
        double rest = random.NextDouble() * topics.Sum(t => t.Weight);
        foreach (Topic topic in topics)
        {
            rest -= topic.Weight;
            if (rest < 0)
                return topic;
        }
        return topics[^1];
    }

    private List<Turn> Say(Exchange exchange, SeededRandom random, Dictionary<string, string> known)
    {
        // The user's name stays the same through a dialogue; all other words are chosen anew for each exchange.
        var words = new Dictionary<string, string>(known);
        var turns = new List<Turn>();
        for (int i = 0; i < exchange.Turns.Count; i++)
        {
            string text = random.Of(exchange.Turns[i]).Fill(random, words, _catalog.Lists).Trim();
            turns.Add(i % 2 == 0 ? new Turn(Turn.User, CasualTyping.Apply(text, random)) : new Turn(Turn.Assistant, English.Capital(text)));
        }
        if (words.TryGetValue("name", out string? name))
            known["name"] = name;
        return turns;
    }
}
