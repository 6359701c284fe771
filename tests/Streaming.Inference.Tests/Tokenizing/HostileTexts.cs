using System.Collections;
using System.Text;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>An endless sequence of texts that are hard for tokenizers, and of random mixtures of their parts, by seed.</summary>
internal sealed class HostileTexts(int seed) : IEnumerable<string>
{
    private static readonly string[] Parts =
    [
        " ",
        "  ",
        "   ",
        "\n",
        "\r\n",
        "\n\n",
        "\t",
        "\u00A0",
        "\u2028",
        "\u3000",
        "\u0085",
        "\u200B",
        "\uFEFF",
        "\0",
        "\u001F",
        "\u00AD",
        "the",
        " the",
        "The",
        "THE",
        "don't",
        "DON'T",
        "we'll",
        "I'D",
        "'s",
        "'S",
        "'re",
        "'ſ",
        "’s",
        "x'",
        "'",
        "0",
        "12",
        "345",
        "67890",
        "３",
        "½",
        "Ⅷ",
        "٣",
        "²",
        "𝟘",
        "१२",
        ".",
        "...",
        "?!",
        "--",
        "—",
        "_",
        "__init__",
        "{}",
        "();",
        "\"",
        "\\",
        "/",
        "<",
        ">",
        "#",
        "@",
        "€",
        "©",
        "\u0378",
        "é",
        "e\u0301",
        "ñ",
        "Å",
        "\u212B",
        "ﬁ",
        "ß",
        "İ",
        "ı",
        "ǅ",
        "ʰ",
        "q\u0307\u0323",
        "\u0301",
        "\u0958",
        "\uAC00",
        "\u1100\u1161\u11A8",
        "\u0344",
        "日本語",
        "中文",
        "한국어",
        "ไทย",
        "हिन्दी",
        "العربية",
        "עברית",
        "ελληνικά",
        "русский",
        "Tiếng Việt",
        "𝐀𝐁",
        "𠀀",
        "𐐀",
        "😀",
        "👩‍👩‍👧",
        "🇩🇪",
        "\U000E0001",
        "<|im_start|>",
        "<|im_end|>",
        "<|begin_of_text|>",
        "<|eot_id|>",
        "<s>",
        "</s>",
        "<unk>",
        "<|endoftext|>",
        "<|startoftext|>",
        "<think>",
        "</think>",
        "<|",
        "|>",
        "<0x41>",
        "▁",
        "Ġ",
        "▁the",
        "aaaaaaaaaaaaaaaa",
        "==========",
        "https://example.com/a?b=c&d=%20",
        "camelCaseWord",
        "SELECT * FROM t;",
        "antidisestablishmentarianism",
    ];

    public IEnumerator<string> GetEnumerator()
    {
        yield return "";
        foreach (string part in Parts)
        {
            yield return part;
            yield return $" {part} ";
            yield return part + part;
        }
        var random = new Random(seed);
        while (true)
        {
            var text = new StringBuilder();
            for (int n = random.Next(1, 16); n > 0; n--)
            {
                if (random.Next(6) == 0)
                    text.Append(AnyCharacter(random));
                else
                    text.Append(Parts[random.Next(Parts.Length)]);
            }
            yield return text.ToString();
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>A character of the assigned planes, without surrogates.</summary>
    private static Rune AnyCharacter(Random random)
    {
        while (true)
        {
            int value = random.Next(4) switch
            {
                0 => random.Next(0x250),
                1 => random.Next(0x3000),
                2 => random.Next(0x10000),
                _ => random.Next(0x32000),
            };
            if (Rune.TryCreate(value, out Rune rune))
                return rune;
        }
    }
}
