using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tokenizing;
using Streaming.Inference.Tokenizing.Patterns;

namespace Streaming.Inference.Tests.Tokenizing;

/// <summary>
/// Patterns, one construct each, with what Hugging Face's library (tokenizers 0.23.2 on npm) makes of them in a Split pre-tokenizer. A
/// null in the fixture means that the library refuses the pattern.
/// </summary>
public class CharacterPatternTests
{
    private static readonly JsonElement Fixture = JsonDocument
        .Parse(
            File.ReadAllText(
                Path.Combine(ModelFolders.Root, "tests", "Streaming.Inference.Tests", "Tokenizing", "fixtures", "patterns.json")
            )
        )
        .RootElement;

    private static readonly string[] RefusedHereAlone =
    [
        @"(?i:ss)",
        @"(?i:ß)",
        @"(?i:st)",
        @"(?i:[\p{Lu}])",
        @"(?i:[\p{L}])",
        @"(?i:[^\p{N}])",
        @"(?x: a b )",
        @"\X",
        @"\K",
        @"a\Kb",
        @"\x{41 42}",
        @"\o{101}",
        @"\101",
        @"\cA",
        @"[a-z&&b-y&&^c]+",
        @"\Gfoo",
        @"(a)\1",
        @"(?<n>a)\k<n>",
        @"\pL",
        @"\p{In_CJK_Unified_Ideographs}",
        @"\p{InCJKUnifiedIdeographs}",
        @"\p{Emoji}",
        @"\y",
        @"(?~ab)",
        @"a**",
        @"a+?+",
        @"(?W)\w",
        @"\ü",
        @"(?i:ı)",
        @"(?i:'ll|'ſ)",
        @"(?i:ff)",
        @"(?i:[^\r\n\p{L}])",
        @"a{3,1}",
        @"[\p{Han}&&[^\p{Ideographic}]]",
        @"[\x{41 42}]",
        @"[\x{41-43}]",
        @"\Qa.b\E",
    ];

    [Fact]
    public void Sets_have_the_characters_that_the_reference_gives_them()
    {
        var wrong = new List<string>();
        foreach (JsonProperty set in Fixture.GetProperty("sets").EnumerateObject())
        {
            CodePointSet own = PatternTranslator.Translate(set.Name).Leaves.Single();
            int[] members = [.. Members(own)];
            string hash = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(members.AsSpan())))[..16];
            if (members.Length != set.Value[0].GetInt32() || hash != set.Value[1].GetString())
                wrong.Add($"{set.Name}: {members.Length} and not {set.Value[0]}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Each_construct_gives_the_pieces_of_the_reference_or_is_refused()
    {
        List<string> wrong = [],
            refused = [];
        foreach (JsonElement entry in Fixture.GetProperty("pieces").EnumerateArray())
        {
            (string pattern, string text) = (entry[0].GetString()!, entry[1].GetString()!);
            string[]? expected = entry[4].Deserialize<string[]>();
            string[]? pieces = Pieces(pattern, text, Enum.Parse<PieceSplitter.Behavior>(entry[2].GetString()!), entry[3].GetBoolean());
            if (pieces is null && expected is not null)
                refused.Add(pattern);
            else if (expected is null ? pieces is not null : !expected.SequenceEqual(pieces!))
                wrong.Add($"{pattern} on {entry[1].GetRawText()}: {JsonSerializer.Serialize(pieces)} and not {entry[4].GetRawText()}");
        }
        Assert.Empty(wrong);

        Assert.Equal(RefusedHereAlone, refused.Distinct());
    }

    /// <summary>A set's code points without surrogates, which no text has.</summary>
    private static IEnumerable<int> Members(CodePointSet set) =>
        set.Borders.Chunk(2).SelectMany(range => Enumerable.Range(range[0], range[1] - range[0])).Where(c => c is < 0xD800 or > 0xDFFF);

    private static string[]? Pieces(string pattern, string text, PieceSplitter.Behavior behavior, bool inverted)
    {
        try
        {
            var pieces = new List<string>();
            new PieceSplitter(CharacterPattern.Compile(pattern), behavior, inverted).Split(text, pieces);
            return [.. pieces];
        }
        catch (PatternException)
        {
            return null;
        }
    }
}
