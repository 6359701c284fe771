using System.Text;
using Streaming.Inference.Checkpoints;
using Streaming.Inference.Tokenizing.Patterns;

namespace Streaming.Inference.Tokenizing;

/// <summary>A token that is matched in the text before merging.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether it is a control token, which has no text.</param>
/// <param name="TakesSpaceBefore">Whether it absorbs white space before it (Hugging Face's <c>lstrip</c>).</param>
/// <param name="TakesSpaceAfter">Whether it absorbs white space after it (<c>rstrip</c>).</param>
/// <param name="IsSingleWord">Whether it is not matched next to a word's character (<c>single_word</c>).</param>
internal sealed record AddedToken(
    int Id,
    string Content,
    bool Special,
    bool TakesSpaceBefore,
    bool TakesSpaceAfter,
    bool IsSingleWord = false
);

/// <summary>
/// Finds added tokens in texts: the leftmost, then the longest. Those with <c>normalized: true</c> are found only in what the others
/// leave, after normalisation.
/// </summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, AddedToken[]> _raw;
    private readonly Dictionary<char, AddedToken[]> _normalized;

    private AddedTokens(List<AddedToken> raw, List<AddedToken> normalized)
    {
        All = [.. raw, .. normalized];
        _raw = ByFirst(raw);
        _normalized = ByFirst(normalized);
    }

    /// <summary>All added tokens.</summary>
    public IReadOnlyList<AddedToken> All { get; }

    /// <summary>Reads <c>added_tokens</c> of a <c>tokenizer.json</c>.</summary>
    public static AddedTokens Read(ConfigReader file, Normalizer normalizer)
    {
        List<AddedToken> raw = [],
            normalized = [];
        foreach (ConfigReader token in file.Sections("added_tokens"))
        {
            string content = token.Text("content");
            if (content.Length == 0)
                throw token.Wrong("content", "a text");
            bool isNormalized = token.Bool("normalized", whenAbsent: false);
            if (isNormalized && normalizer.Apply(content, SectionStart.Text) != content)
                throw token.Unsupported("normalized", $"the normalizer changes the token '{content}'; set the field to false");
            (isNormalized ? normalized : raw).Add(
                new AddedToken(
                    token.Int("id", least: 0),
                    content,
                    token.Bool("special", whenAbsent: false),
                    token.Bool("lstrip", whenAbsent: false),
                    token.Bool("rstrip", whenAbsent: false),
                    token.Bool("single_word", whenAbsent: false)
                )
            );
        }
        return new AddedTokens(raw, normalized);
    }

    /// <summary>Splits a text that is not normalized at all added tokens, as if the normalizer left it unchanged.</summary>
    /// <returns>Each range of plain text, possibly empty, and the token after it (null at the end of a section).</returns>
    public IEnumerable<(Range Plain, AddedToken? Token)> Split(string text)
    {
        foreach ((Range section, AddedToken? token) in SplitRaw(text))
        {
            int offset = section.Start.Value;
            foreach ((Range plain, AddedToken? inner) in SplitNormalized(text[section]))
                yield return ((plain.Start.Value + offset)..(plain.End.Value + offset), inner ?? token);
        }
    }

    /// <summary>Splits a text at the tokens that are not normalized.</summary>
    /// <returns>Each range of plain text, possibly empty, and the token after it (null at the end).</returns>
    public IEnumerable<(Range Plain, AddedToken? Token)> SplitRaw(string text) => Split(text, _raw);

    /// <summary>Splits a normalized section between two such tokens at those that are normalized.</summary>
    /// <returns>Each range of plain text, possibly empty, and the token after it (null at the end).</returns>
    public IEnumerable<(Range Plain, AddedToken? Token)> SplitNormalized(string text) => Split(text, _normalized);

    private static Dictionary<char, AddedToken[]> ByFirst(List<AddedToken> tokens) =>
        tokens.GroupBy(t => t.Content[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Content.Length).ToArray());

    private static IEnumerable<(Range Plain, AddedToken? Token)> Split(string text, Dictionary<char, AddedToken[]> tokens)
    {
        int start = 0;
        for (int i = 0; tokens.Count > 0 && i < text.Length; )
        {
            if (At(text, i, tokens) is not AddedToken token)
            {
                i++;
                continue;
            }
            int begin = i;
            i += token.Content.Length;
            if (token.IsSingleWord && (IsWord(text, begin - 1) || IsWord(text, i)))
                continue;
            int end = Math.Max(begin, start);
            while (token.TakesSpaceBefore && end > start && char.IsWhiteSpace(text[end - 1]))
                end--;
            yield return (start..end, token);
            start = i;
            while (token.TakesSpaceAfter && start < text.Length && char.IsWhiteSpace(text[start]))
                start++;
        }
        yield return (start..text.Length, null);
    }

    private static AddedToken? At(string text, int place, Dictionary<char, AddedToken[]> tokens)
    {
        if (!tokens.TryGetValue(text[place], out AddedToken[]? candidates))
            return null;
        foreach (AddedToken token in candidates)
        {
            if (string.CompareOrdinal(text, place, token.Content, 0, token.Content.Length) == 0)
                return token;
        }
        return null;
    }

    /// <summary>Whether the character of which this unit is a part belongs to words.</summary>
    private static bool IsWord(string text, int unit)
    {
        if (unit < 0 || unit >= text.Length)
            return false;
        int first = char.IsLowSurrogate(text[unit]) ? unit - 1 : unit;
        return CharacterSets.RustWord.Contains(Rune.GetRuneAt(text, first).Value);
    }
}
