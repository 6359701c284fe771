using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

public class CanonicalCompositionTests
{
    /// <summary>
    /// Characters with decompositions of Unicode 15 to 17. The table is older, like the reference tokenizer's.
    /// </summary>
    private static readonly HashSet<int> Newer =
    [
        0x105C9,
        0x105E4,
        0x11383,
        0x11385,
        0x1138E,
        0x11391,
        0x113C5,
        0x113C7,
        0x113C8,
        .. Enumerable.Range(0x16121, 8),
        0x16D68,
        0x16D69,
        0x16D6A,
    ];

    [Theory]
    [InlineData("e\u0301", "\u00E9")]
    [InlineData("\u1100\u1161\u11A8", "\uAC01")]
    [InlineData("\uAC00\u11A8", "\uAC01")]
    [InlineData("\u2126", "\u03A9")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    [InlineData("a\u0327\u0301", "\u00E1\u0327")] // past a mark of a lower class
    [InlineData("a\u0301\u0301", "\u00E1\u0301")] // and not past one of the same
    [InlineData("\u0958", "\u0915\u093C")] // excluded from composition
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("naïve 日本語 😀", "naïve 日本語 😀")]
    public void Composes_texts_as_the_standard_says(string text, string composed) => Assert.Equal(composed, CanonicalComposition.Of(text));

    [Fact]
    public async Task Normalizes_every_character_and_thousands_of_sequences_as_ICU_does()
    {
        var random = new Random(5);
        string[] every =
        [
            .. Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF && !Newer.Contains(c)).Select(char.ConvertFromUtf32),
        ];
        string[] marks = [.. every.Where(c => CanonicalData.Instance.ClassOf(char.ConvertToUtf32(c, 0)) > 0)];
        string[] changed = [.. every.Where(c => CanonicalData.Instance.Matters(char.ConvertToUtf32(c, 0)))];
        IEnumerable<string> sequences = Enumerable
            .Range(0, 20_000)
            .Select(_ =>
            {
                var text = new StringBuilder();
                for (int n = random.Next(1, 8); n > 0; n--)
                {
                    string[] from = random.Next(4) switch
                    {
                        0 => marks,
                        1 => every[0x41..0x250],
                        _ => changed,
                    };
                    text.Append(from[random.Next(from.Length)]);
                }
                return text.ToString();
            });
        string[] texts = [.. every, .. sequences];

        string[] expected = await NormalizedByNode(texts);

        Assert.Equal(texts.Length, expected.Length);
        for (int i = 0; i < texts.Length; i++)
            Assert.True(
                expected[i] == CanonicalComposition.Of(texts[i]),
                $"'{Codes(texts[i])}' must be '{Codes(expected[i])}' and is '{Codes(CanonicalComposition.Of(texts[i]))}'."
            );
    }

    [Fact]
    public void A_million_marks_on_one_letter_take_nearly_linear_time()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0316", 500_000));
        var clock = Stopwatch.StartNew();
        string composed = CanonicalComposition.Of(text);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20); // an insertion sort would take an hour
        Assert.Equal("\u00E1" + new string('\u0316', 500_000) + new string('\u0301', 499_999), composed);
    }

    private static string Codes(string text) =>
        string.Join(' ', text.EnumerateRunes().Select(r => r.Value.ToString("X4", CultureInfo.InvariantCulture)));

    private static async Task<string[]> NormalizedByNode(string[] texts)
    {
        string input = Path.GetTempFileName(),
            output = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(input, JsonSerializer.Serialize(texts), TestContext.Current.CancellationToken);
            using var node = Process.Start(
                "node",
                [
                    "-e",
                    "const f = require('fs'), a = process.argv; "
                        + "f.writeFileSync(a[2], JSON.stringify(JSON.parse(f.readFileSync(a[1], 'utf8')).map(t => t.normalize('NFC'))))",
                    input,
                    output,
                ]
            );
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            deadline.CancelAfter(TimeSpan.FromMinutes(1));
            await node.WaitForExitAsync(deadline.Token);
            Assert.Equal(0, node.ExitCode);
            return JsonSerializer.Deserialize<string[]>(await File.ReadAllTextAsync(output, TestContext.Current.CancellationToken))!;
        }
        finally
        {
            File.Delete(input);
            File.Delete(output);
        }
    }
}
