using System.Globalization;
using System.Text.RegularExpressions;
using Streaming.Training.Corpora;
using Streaming.Training.Numerics;
using Streaming.Training.SyntheticDialogue;

namespace Streaming.Training.Tests.SyntheticDialogue;

public partial class GeneratorTests
{
    private static readonly string[] Spelt =
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];

    [Theory]
    [InlineData("small-talk"), InlineData("sums"), InlineData("story-requests"), InlineData("endless-stories")]
    public void Alternates_user_and_assistant_and_depends_on_the_random_sequence_alone(string name)
    {
        DialogueGenerator generator = Generators.Of(name);
        for (int i = 0; i < 500; i++)
        {
            GeneratedDialogue dialogue = generator.Next(SeededRandom.For(2, name, i));
            Assert.Equal(dialogue.Turns, generator.Next(SeededRandom.For(2, name, i)).Turns);
            Assert.Equal(name != "endless-stories", dialogue.Ends);
            Assert.True(dialogue.Turns.Count >= 2 && dialogue.Turns.Count % 2 == 0);
            for (int t = 0; t < dialogue.Turns.Count; t++)
            {
                Assert.Equal(t % 2 == 0 ? Turn.User : Turn.Assistant, dialogue.Turns[t].Role);
                Assert.NotEqual("", dialogue.Turns[t].Content);
                Assert.DoesNotMatch(@"[{}<>|]|  | [.,!?](?!\d)", dialogue.Turns[t].Content.Replace("+", "plus", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void Generates_varied_small_talk()
    {
        DialogueGenerator generator = Generators.Of("small-talk");
        string[] first = [.. Enumerable.Range(0, 5000).Select(i => generator.Next(SeededRandom.For(9, "variety", i)).Turns[0].Content)];
        Assert.True(first.Distinct().Count() > 2000, $"Only {first.Distinct().Count()} of 5000 first messages differ.");
        Assert.True(first.CountBy(m => m).Max(c => c.Value) < 50);
    }

    [Theory]
    [
        InlineData("dog", "dogs"),
        InlineData("mouse", "mice"),
        InlineData("fox", "foxes"),
        InlineData("puppy", "puppies"),
        InlineData("monkey", "monkeys")
    ]
    [
        InlineData("fish", "fish"),
        InlineData("wolf", "wolves"),
        InlineData("witch", "witches"),
        InlineData("fisherman", "fishermen"),
        InlineData("goose", "geese")
    ]
    public void Forms_irregular_plurals(string singular, string plural) =>
        Assert.Equal(
            $"two {plural}",
            Template
                .Parse("two <s:it>")
                .Fill(new SeededRandom(1), new Dictionary<string, string> { ["it"] = singular }, new Dictionary<string, string[]>())
        );

    [Fact]
    public void Says_that_it_is_a_model_or_a_program_when_asked_who_it_is()
    {
        var catalog = ExchangeCatalog.Load();
        var random = new SeededRandom(1);
        foreach (string name in (string[])["whoareyou", "human"])
        {
            foreach (Exchange exchange in catalog.Topics.Single(t => t.Name == name).Exchanges)
            {
                foreach (Template reply in exchange.Turns[1])
                {
                    for (int i = 0; i < 50; i++)
                        Assert.Matches("model|program", reply.Fill(random, new Dictionary<string, string>(), catalog.Lists));
                }
            }
        }
    }

    [Fact]
    public void Computes_sums_correctly()
    {
        int checkedSums = 0;
        for (int i = 0; i < 3000; i++)
        {
            string reply = SumGenerator.Exchange(SeededRandom.For(3, "sums", i))[1].Content;
            if (Said().Match(reply) is { Success: true } said)
            {
                checkedSums++;
                int a = Number(said.Groups[1].Value),
                    b = Number(said.Groups[3].Value),
                    result = Number(said.Groups[4].Value);
                Assert.Equal(said.Groups[2].Value == "plus" ? a + b : a - b, result);
            }
        }
        Assert.True(checkedSums > 1500);
    }

    [Fact]
    public void Computes_sums_correctly_in_short_answers()
    {
        int checkedSums = 0;
        for (int i = 0; i < 3000; i++)
        {
            IReadOnlyList<Turn> exchange = SumGenerator.Exchange(SeededRandom.For(3, "short", i));
            Match asked = Regex.Match(exchange[0].Content, @"(\d+) (plus|\+|minus|-) (\d+)", RegexOptions.IgnoreCase),
                answered = Regex.Match(exchange[1].Content, @"^That is (\d+)\.$");
            if (!asked.Success || !answered.Success)
                continue;
            checkedSums++;
            int a = Number(asked.Groups[1].Value),
                b = Number(asked.Groups[3].Value);
            Assert.Equal(asked.Groups[2].Value is "plus" or "+" ? a + b : a - b, Number(answered.Groups[1].Value));
        }
        Assert.True(checkedSums > 200);
    }

    [Fact]
    public void Tells_a_story_about_the_requested_subject()
    {
        DialogueGenerator generator = Generators.Of("story-requests");
        int about = 0;
        for (int i = 0; i < 500; i++)
        {
            IReadOnlyList<Turn> turns = generator.Next(SeededRandom.For(6, "stories", i)).Turns;
            if (
                Regex.Match(turns[0].Content, @"story about an? ([a-z]+)\b(?! [a-z])", RegexOptions.IgnoreCase)
                is not { Success: true } asked
            )
                continue;
            about++;
            Assert.Contains(asked.Groups[1].Value.ToLowerInvariant(), turns[1].Content.ToLowerInvariant(), StringComparison.Ordinal);
        }
        Assert.True(about > 50, $"Only {about} requests name what they are about.");
    }

    [Theory]
    [InlineData("[x middle 1]\n> {a|b\n< c", "lacks a closing brace")]
    [InlineData("[x middle 1]\n> a}b\n< c", "too many")]
    [InlineData("[x middle 1]\n> a\n\n> b\n< c", "does not end with a reply")]
    [InlineData("[x middle 1]\n< a", "begins with a reply")]
    [InlineData("[x middle 1]\nwhat", "'what' is not a line")]
    public void Refuses_an_invalid_catalog(string text, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => ExchangeCatalog.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Uses_the_same_word_throughout_an_exchange()
    {
        var lists = new Dictionary<string, string[]> { ["animal"] = ["owl", "cat"] };
        var words = new Dictionary<string, string>();
        string text = Template.Parse("<a:animal> and {<^animal>|<^animal>}").Fill(new SeededRandom(1), words, lists);
        Assert.Equal(words["animal"] == "owl" ? "an owl and Owl" : "a cat and Cat", text);
    }

    private static int Number(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out int number) ? number : Array.IndexOf(Spelt, text.ToLowerInvariant());

    [GeneratedRegex(@"(\w+) (plus|minus) (\w+) (?:is|makes) (\w+)\.", RegexOptions.IgnoreCase)]
    private static partial Regex Said();
}
