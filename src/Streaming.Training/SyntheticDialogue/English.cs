namespace Streaming.Training.SyntheticDialogue;

/// <summary>The English grammar that the generators need.</summary>
internal static class English
{
    private static readonly string[] Numbers =
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

    /// <summary>A noun with its indefinite article.</summary>
    public static string WithArticle(string noun) => (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an " : "a ") + noun;

    /// <summary>The text with its first letter in upper case.</summary>
    public static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>A word; a spelt number from 0 to 20 is replaced by its digits.</summary>
    public static string Digits(string word) => Array.IndexOf(Numbers, word) is var number and >= 0 ? $"{number}" : word;

    /// <summary>A number from 0 to 20 as a word.</summary>
    public static string Spelt(int number) => Numbers[number];

    /// <summary>The plural of a noun: foxes, puppies, mice.</summary>
    public static string Plural(string noun) =>
        noun switch
        {
            "mouse" => "mice",
            "goose" => "geese",
            "wolf" => "wolves",
            "fish" or "sheep" => noun,
            _ when noun.EndsWith("man", StringComparison.Ordinal) => noun[..^2] + "en",
            [.., 'x'] or [.., 's'] or [.., 'c', 'h'] or [.., 's', 'h'] => noun + "es",
            [.., not ('a' or 'e' or 'o' or 'u'), 'y'] => noun[..^1] + "ies",
            _ => noun + "s",
        };
}
