using Streaming.Training.Corpora;
using Streaming.Training.Numerics;

namespace Streaming.Training.SyntheticDialogue;

/// <summary>Generates sums and differences of small numbers.</summary>
internal sealed class SumGenerator : DialogueGenerator
{
    private static readonly string[] Things =
    [
        "apples",
        "books",
        "coins",
        "cookies",
        "pens",
        "eggs",
        "balls",
        "sweets",
        "cards",
        "stones",
        "cups",
        "flowers",
    ];
    private static readonly string[] Gone = ["give away", "lose", "sell", "drop", "use"];

    public override GeneratedDialogue Next(SeededRandom random)
    {
        var turns = new List<Turn>();
        for (int n = 1 + random.Next(7); n > 0; n--)
            turns.AddRange(Exchange(random));
        return new GeneratedDialogue(turns);
    }

    /// <summary>A question and its answer.</summary>
    public static IReadOnlyList<Turn> Exchange(SeededRandom random)
    {
        (string question, string answer) = random.Chance(0.2) ? WithThings(random) : Plain(random);
        return [new Turn(Turn.User, CasualTyping.Apply(question, random)), new Turn(Turn.Assistant, answer)];
    }

    private static (string, string) Plain(SeededRandom random)
    {
        (int a, int b) = (random.Next(random.Chance(0.8) ? 11 : 21), random.Next(11));
        bool minus = random.Chance(0.35);
        if (minus && a < b)
            (a, b) = (b, a);
        int result = minus ? a - b : a + b;
        bool spelt = random.Chance(0.25);
        string Number(int n) => spelt && n <= 20 ? English.Spelt(n) : $"{n}";
        string sign = minus
            ? random.Chance(0.3)
                ? "-"
                : "minus"
            : random.Chance(0.3)
                ? "+"
                : "plus";
        string sum = $"{Number(a)} {sign} {Number(b)}";
        string said = $"{Number(a)} {(minus ? "minus" : "plus")} {Number(b)}";
        string question = random.Next(14) switch
        {
            0 or 1 or 2 => $"What is {sum}?",
            3 => $"How much is {sum}?",
            4 => minus && random.Chance(0.6)
                ? $"If I subtract {Number(b)} from {Number(a)}, what remains?"
                : $"Can you tell me what {sum} is?",
            5 => $"{sum}?",
            6 => $"What's {sum}?",
            7 => $"Do you know what {sum} is?",
            8 => $"Please add {Number(a)} and {Number(b)}.",
            9 => minus ? $"I take {Number(b)} off {Number(a)}. What is left?" : $"What does {sum} make?",
            10 => $"{sum} =",
            11 => minus ? $"Take {Number(b)} from {Number(a)}, please." : $"I add {Number(b)} to {Number(a)}. What is the sum?",
            12 => minus ? $"What is left of {Number(a)} without {Number(b)}?" : $"What do {Number(a)} and {Number(b)} make together?",
            _ => $"Tell me {sum}.",
        };
        if (question.StartsWith("Please add", StringComparison.Ordinal))
            (said, result) = ($"{Number(a)} plus {Number(b)}", a + b);
        string answer = random.Next(4) switch
        {
            0 => $"{English.Capital(said)} is {Number(result)}.",
            1 => $"That is {Number(result)}.",
            2 => $"{English.Capital(said)} makes {Number(result)}.",
            _ => $"{English.Capital(said)} is {Number(result)}.",
        };
        return (question, answer);
    }

    private static (string, string) WithThings(SeededRandom random)
    {
        string things = random.Of(Things);
        int a = 2 + random.Next(9),
            b = 1 + random.Next(a);
        string Said(int n) => n == 1 ? things[..^1] : things;
        string less = $"Then you have {a - b} {Said(a - b)}. {a} minus {b} is {a - b}.",
            more = $"Then you have {a + b} {things}. {a} plus {b} is {a + b}.";
        return random.Next(5) switch
        {
            0 => ($"I have {a} {things} and I {random.Of(Gone)} {b}. How many do I have?", less),
            1 => ($"I had {a} {things}, but {b} {(b == 1 ? "is" : "are")} gone. How many have I got now?", less),
            2 => ($"When I {random.Of(Gone)} {b} of my {a} {things}, how many remain?", less),
            3 => ($"I have {a} {things} and I get {b} more. How many is that?", more),
            _ => ($"With {a} {things} and {b} more, how many do I have?", more),
        };
    }
}
