using System.Globalization;
using System.Text;
using System.Text.Json;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>The vocabularies of Llama 3, Qwen3 and Mistral, as published.</summary>
public class PublishedVocabularyTests
{
    [Theory]
    [InlineData("llama3"), InlineData("qwen3")]
    public void Every_string_of_the_fixture_gives_the_listed_ids(string name)
    {
        string file = Path.Combine(ModelFolders.Root, "tests", "Streaming.Inference.Tests", "Tokenizing", "fixtures", name + ".json");
        using var fixture = JsonDocument.Parse(File.ReadAllText(file));
        JsonElement[] cases = [.. fixture.RootElement.GetProperty("cases").EnumerateArray()];
        Tokenizer tokenizer = Vocabularies.Get(name);
        var wrong = new List<string>();
        foreach (JsonElement one in cases)
        {
            string text = one.GetProperty("text").GetString()!;
            int[] ids = Ids(one, "ids"),
                special = Ids(one, "ids_with_special");
            if (
                !ids.SequenceEqual(tokenizer.Encode(text, parseControl: true, addSpecial: false))
                || !special.SequenceEqual(tokenizer.Encode(text, parseControl: true, addSpecial: true))
            )
                wrong.Add(text);
        }
        Assert.Equal(44, cases.Length);
        Assert.Empty(wrong);

        static int[] Ids(JsonElement owner, string field) => [.. owner.GetProperty(field).EnumerateArray().Select(id => id.GetInt32())];
    }

    /// <summary>How much longer the whole of a long text is than the part with which it is compared.</summary>
    private const int Larger = 8;

    [Theory]
    [
        InlineData("llama3", "a", 1_000_000),
        InlineData("llama3", " ", 10_000_000),
        InlineData("llama3", "ab", 500_000),
        InlineData("llama3", "\n", 1_000_000)
    ]
    [
        InlineData("qwen3", "a", 1_000_000),
        InlineData("qwen3", " ", 10_000_000),
        InlineData("qwen3", "\u0301", 1_000_000),
        InlineData("qwen3", "日", 300_000)
    ]
    [InlineData("mistral", "a", 1_000_000), InlineData("mistral", " ", 1_000_000), InlineData("mistral", "The quick brown fox. ", 50_000)]
    [InlineData("starter", "!", 1_000_000)]
    public void Long_texts_of_any_kind_take_nearly_linear_time(string name, string unit, int times)
    {
        Tokenizer tokenizer = Vocabularies.Get(name);
        tokenizer.Encode(unit, parseControl: true, addSpecial: false);
        double part = Enumerable.Range(0, 3).Min(_ => Encode(times / Larger).Seconds);
        (double whole, string text, int[] ids) = Encode(times);
        for (int again = 0; again < 2 && whole > 3 * Larger * part; again++) // Other load empties the caches, at times.
            whole = Math.Min(whole, Encode(times).Seconds);
        TestContext.Current.SendDiagnosticMessage($"{name}, {times} times '{unit}': {whole:F2} s, of a part {part:F3} s, {ids.Length} ids");
        // Linear time grows as the text does, quadratic time by its square.
        Assert.InRange(whole / part, 0, 3 * Larger);
        Assert.True(text == tokenizer.Decode(ids), "The ids say something else.");

        (double Seconds, string Text, int[] Ids) Encode(int units)
        {
            string repeated = new StringBuilder(unit.Length * units).Insert(0, unit, units).ToString();
            double before = ThreadSeconds();
            int[] encoded = tokenizer.Encode(repeated, parseControl: true, addSpecial: false);
            return (ThreadSeconds() - before, repeated, encoded);
        }
    }

    [Theory]
    [InlineData("llama3", false), InlineData("qwen3", true)]
    public void Decoding_the_ids_of_any_text_gives_the_text(string name, bool composed)
    {
        Tokenizer tokenizer = Vocabularies.Get(name);
        foreach (string text in new HostileTexts(seed: 21).Take(2_000))
            Assert.Equal(
                composed ? CanonicalComposition.Of(text) : text,
                tokenizer.Decode(tokenizer.Encode(text, parseControl: false, addSpecial: false))
            );
    }

    /// <summary>Processor time of this thread, which other load hardly changes; outside of Linux that of the process.</summary>
    private static double ThreadSeconds() =>
        OperatingSystem.IsLinux()
            ? long.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) * 1e-9
            : Environment.CpuUsage.TotalTime.TotalSeconds;
}
