using System.Security.Cryptography;
using System.Text;
using Streaming.Inference.Tokenizing;
using Streaming.Jinja.Templates;

namespace Streaming.Inference.Chat;

/// <summary>
/// A dialogue rendered so that each part's speaker is known. The template renders it twice: once with placeholders, once with the
/// texts. Everything outside the placeholders is the template's own text; control tokens are parsed only there. Everything else in
/// the second rendering is a speaker's text, which the template may have trimmed.
/// </summary>
internal sealed class RenderedDialogue
{
    private readonly ChatTemplate _template;
    private readonly AddedTokens _tokens;
    private readonly TimeProvider _clock;
    private readonly string _secret = RandomNumberGenerator.GetHexString(32, lowercase: true); // users cannot guess a placeholder

    public RenderedDialogue(ChatTemplate template, AddedTokens tokens, TimeProvider clock)
    {
        _template = template;
        _tokens = tokens;
        _clock = clock;
    }

    /// <summary>Renders a dialogue and the opening of the model's reply.</summary>
    /// <param name="turns">Speakers and texts; each speaker once.</param>
    /// <exception cref="InputException">The template refuses the dialogue or leaves out a text.</exception>
    public List<RenderedPart> Render(IReadOnlyList<(Speaker Speaker, string Text)> turns)
    {
        DateTimeOffset now = _clock.GetLocalNow();
        List<(string Before, Speaker Speaker)> shape = ShapeOf(
            _template.Render(turns.Select(t => (RoleOf(t.Speaker), Placeholder(t.Speaker))), now),
            out string tail
        );
        foreach ((Speaker speaker, _) in turns)
        {
            if (!shape.Exists(part => part.Speaker == speaker))
                throw new InputException(
                    $"The checkpoint's chat template ignores messages of the role '{RoleOf(speaker)}': "
                        + "leave them out, or use another checkpoint."
                );
        }
        var given = turns.ToDictionary(t => t.Speaker, t => t.Text);
        string[] texts =
            Align(_template.Render(turns.Select(t => (RoleOf(t.Speaker), t.Text)), now), shape, tail, given)
            ?? [.. shape.Select(part => given[part.Speaker])]; // its own text depends on the messages: use them unchanged
        var parts = new List<RenderedPart>();
        for (int i = 0; i < texts.Length; i++)
        {
            AddTemplateText(shape[i].Before, parts);
            parts.Add(new RenderedPart(shape[i].Speaker, null, texts[i]));
        }
        AddTemplateText(tail, parts);
        return parts;
    }

    /// <summary>Splits a rendering at its placeholders: the template's text before each, and after the last.</summary>
    private List<(string Before, Speaker Speaker)> ShapeOf(string rendered, out string tail)
    {
        var shape = new List<(string, Speaker)>();
        int reached = 0;
        for (int at; (at = rendered.IndexOf(_secret, reached, StringComparison.Ordinal)) >= 0; )
        {
            int digit = at + _secret.Length;
            shape.Add((rendered[reached..at], (Speaker)(rendered[digit] - '0')));
            reached = digit + 1;
        }
        tail = rendered[reached..];
        return shape;
    }

    /// <summary>
    /// The texts of a real rendering that replace the placeholders; null if the template's own text differs. A message that repeats
    /// the template text after it can move the border between two texts, but cannot produce a control token.
    /// </summary>
    private static string[]? Align(
        string real,
        List<(string Before, Speaker Speaker)> shape,
        string tail,
        Dictionary<Speaker, string> given
    )
    {
        string[] texts = new string[shape.Count];
        if (shape.Count == 0 || !real.StartsWith(shape[0].Before, StringComparison.Ordinal))
            return null;
        int start = shape[0].Before.Length;
        for (int i = 0; i < texts.Length; i++)
        {
            bool last = i == texts.Length - 1;
            string after = last ? tail : shape[i + 1].Before,
                text = given[shape[i].Speaker];
            int end = last
                ? real.Length - tail.Length
                : StandsAt(text) ?? StandsAt(PythonWhiteSpace.Trim(text)) ?? real.IndexOf(after, start, StringComparison.Ordinal);
            if (end < start || (last && !real.EndsWith(tail, StringComparison.Ordinal)))
                return null;
            texts[i] = real[start..end];
            start = end + after.Length;

            int? StandsAt(string expected)
            {
                ReadOnlySpan<char> rest = real.AsSpan(start);
                return rest.StartsWith(expected) && rest[expected.Length..].StartsWith(after) ? start + expected.Length : null;
            }
        }
        return texts;
    }

    /// <summary>Encodes parts. All text between two control tokens is encoded as one string.</summary>
    /// <param name="parts">The parts.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="start">What comes before the parts.</param>
    /// <param name="before">The added token before them, if one is there.</param>
    public static List<int> Encode(IEnumerable<RenderedPart> parts, Tokenizer tokenizer, SectionStart start, AddedToken? before = null)
    {
        var ids = new List<int>();
        var text = new StringBuilder();
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
            start = SectionStart.AfterToken;
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
            tokenizer.EncodePlain(plain, ids, start);
        }
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

    private static string RoleOf(Speaker speaker) =>
        speaker switch
        {
            Speaker.System => "system",
            Speaker.Assistant => "assistant",
            _ => "user",
        };
}
