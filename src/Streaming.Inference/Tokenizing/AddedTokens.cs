using Streaming.Inference.Checkpoints;

namespace Streaming.Inference.Tokenizing;

/// <summary>A token that is matched in the text before normalisation and merging.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether it is a control token, which has no text.</param>
/// <param name="TakesSpaceBefore">Whether it absorbs white space before it (Hugging Face's <c>lstrip</c>).</param>
/// <param name="TakesSpaceAfter">Whether it absorbs white space after it (<c>rstrip</c>).</param>
internal sealed record AddedToken(int Id, string Content, bool Special, bool TakesSpaceBefore, bool TakesSpaceAfter);

/// <summary>Finds added tokens in texts: the leftmost, then the longest.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;

    private AddedTokens(IReadOnlyList<AddedToken> all)
    {
        All = all;
        _byFirst = all.GroupBy(t => t.Content[0]).ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Content.Length).ToArray());
    }

    /// <summary>All added tokens.</summary>
    public IReadOnlyList<AddedToken> All { get; }

    /// <summary>Reads <c>added_tokens</c> of a <c>tokenizer.json</c>.</summary>
    public static AddedTokens Read(ConfigReader file)
    {
        var tokens = new List<AddedToken>();
        foreach (ConfigReader token in file.Sections("added_tokens"))
        {
            string content = token.Text("content");
            if (content.Length == 0)
                throw token.Wrong("content", "a text");
            if (token.Bool("single_word", whenAbsent: false))
                throw token.Unsupported("single_word", "use a tokenizer without it");
            if (token.Bool("normalized", whenAbsent: false) && file.Has("normalizer"))
                throw token.Unsupported("normalized", "use a tokenizer whose added tokens are not normalized");
            tokens.Add(
                new AddedToken(
                    token.Int("id", least: 0),
                    content,
                    token.Bool("special", whenAbsent: false),
                    token.Bool("lstrip", whenAbsent: false),
                    token.Bool("rstrip", whenAbsent: false)
                )
            );
        }
        return new AddedTokens(tokens);
    }

    /// <summary>
    /// Splits a text at its added tokens: each range of plain text, possibly empty, and the token after it (null at the end).
    /// </summary>
    public IEnumerable<(Range Plain, AddedToken? Token)> Split(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; )
        {
            if (At(text, i) is not AddedToken token)
            {
                i++;
                continue;
            }
            int end = i;
            while (token.TakesSpaceBefore && end > start && char.IsWhiteSpace(text[end - 1]))
                end--;
            yield return (start..end, token);
            i += token.Content.Length;
            while (token.TakesSpaceAfter && i < text.Length && char.IsWhiteSpace(text[i]))
                i++;
            start = i;
        }
        yield return (start..text.Length, null);
    }

    private AddedToken? At(string text, int place)
    {
        if (!_byFirst.TryGetValue(text[place], out AddedToken[]? candidates))
            return null;
        foreach (AddedToken token in candidates)
        {
            if (string.CompareOrdinal(text, place, token.Content, 0, token.Content.Length) == 0)
                return token;
        }
        return null;
    }
}
