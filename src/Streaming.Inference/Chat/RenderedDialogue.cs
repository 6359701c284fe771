using System.Security.Cryptography;
using System.Text;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Chat;

/// <summary>
/// Renders a dialogue so that it stays known who said what: the template is given placeholders, and the people's texts are
/// put in their places afterwards. Only what the template itself wrote can be a control token.
/// </summary>
internal sealed class RenderedDialogue
{
    // What JavaScript's trim() removes, as the template language does it.
    private const string WhiteSpace = "\t\n\v\f\r \u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF";

    // White space around each placeholder shows whether the template trims what it is given.
    private const string Pad = "\t \t";

    private readonly ChatTemplate _template;
    private readonly AddedTokens _tokens;
    private readonly string _secret = RandomNumberGenerator.GetHexString(32, lowercase: true); // nobody can write a placeholder by chance or design

    public RenderedDialogue(ChatTemplate template, AddedTokens tokens)
    {
        _template = template;
        _tokens = tokens;
    }

    /// <summary>Renders a dialogue up to where the model's reply begins.</summary>
    /// <param name="turns">Who speaks and what; each speaker once.</param>
    /// <exception cref="InputException">The template refuses the dialogue or leaves out a text.</exception>
    public List<RenderedPart> Render(IReadOnlyList<(Speaker Speaker, string Text)> turns)
    {
        string rendered = _template.Render(turns.Select(t => (RoleOf(t.Speaker), Pad + Placeholder(t.Speaker) + Pad)));
        var parts = new List<RenderedPart>();
        int reached = 0;
        var met = new HashSet<Speaker>();
        while (NextPlaceholder(rendered, reached, turns) is (int start, Speaker speaker, string text))
        {
            int end = start + Placeholder(speaker).Length;
            if (rendered.AsSpan(reached, start - reached).EndsWith(Pad))
                start -= Pad.Length;
            else
                text = text.TrimStart(WhiteSpace.ToCharArray());
            AddTemplateText(rendered[reached..start], parts);
            if (rendered.AsSpan(end).StartsWith(Pad))
                end += Pad.Length;
            else
                text = text.TrimEnd(WhiteSpace.ToCharArray());
            parts.Add(new RenderedPart(speaker, null, text));
            met.Add(speaker);
            reached = end;
        }
        AddTemplateText(rendered[reached..], parts);
        foreach ((Speaker speaker, _) in turns)
        {
            if (!met.Contains(speaker))
                throw new InputException($"The checkpoint's chat template leaves out what has the role '{RoleOf(speaker)}': use it without, or use another checkpoint.");
        }
        return parts;
    }

    /// <summary>Encodes parts: everything between two tokens of the template is one text.</summary>
    public static List<int> Encode(IEnumerable<RenderedPart> parts, Tokenizer tokenizer)
    {
        var ids = new List<int>();
        var text = new StringBuilder();
        AddedToken? before = null;
        foreach (RenderedPart part in parts)
        {
            if (part.Token is null)
            {
                text.Append(part.Text);
                continue;
            }
            EncodeBetween(before, part.Token);
            ids.Add(part.Token.Id);
            before = part.Token;
        }
        EncodeBetween(before, null);
        return ids;

        void EncodeBetween(AddedToken? left, AddedToken? right)
        {
            string plain = text.ToString();
            text.Clear();
            if (left is { TakesSpaceAfter: true })
                plain = plain.TrimStart();
            if (right is { TakesSpaceBefore: true })
                plain = plain.TrimEnd();
            tokenizer.EncodePlain(plain, ids, isBeginning: false);
        }
    }

    private (int Start, Speaker Speaker, string Text)? NextPlaceholder(
        string rendered, int from, IReadOnlyList<(Speaker Speaker, string Text)> turns)
    {
        (int Start, Speaker Speaker, string Text)? first = null;
        foreach ((Speaker speaker, string text) in turns)
        {
            int start = rendered.IndexOf(Placeholder(speaker), from, StringComparison.Ordinal);
            if (start >= 0 && !(first?.Start < start))
                first = (start, speaker, text);
        }
        return first;
    }

    private void AddTemplateText(string text, List<RenderedPart> parts)
    {
        foreach ((Range plain, AddedToken? token) in _tokens.Split(text))
        {
            if (text[plain] is { Length: > 0 } between)
                parts.Add(new RenderedPart(Speaker.Template, null, between));
            if (token is not null)
                parts.Add(new RenderedPart(Speaker.Template, token, ""));
        }
    }

    private string Placeholder(Speaker speaker) => $"{_secret}{(int)speaker}";

    private static string RoleOf(Speaker speaker) => speaker switch
    {
        Speaker.System => "system",
        Speaker.Assistant => "assistant",
        _ => "user",
    };
}
