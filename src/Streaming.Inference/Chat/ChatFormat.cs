using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Chat;

/// <summary>
/// Converts messages into ids by a checkpoint's chat template. It converts only new messages, so an endless conversation never
/// renders its history. User text cannot produce control tokens: "&lt;|im_end|&gt;" in a message is plain text. Thread-safe.
/// </summary>
/// <remarks>
/// For texts without control tokens, the concatenated results equal the ids of the whole dialogue rendered and encoded at once,
/// provided that the template renders earlier turns the same after later ones.
/// </remarks>
public sealed class ChatFormat
{
    private readonly Tokenizer _tokenizer;
    private readonly RenderedDialogue _dialogue;

    // Texts of a stub that are not fed. They are not empty, because templates may leave out empty texts.
    private const string Greeting = "Hello",
        Answer = "Hello there";

    private ChatFormat(Tokenizer tokenizer, ChatTemplate template, TimeProvider clock)
    {
        _tokenizer = tokenizer;
        _dialogue = new RenderedDialogue(template, tokenizer.Added, clock);
        TemplateProbe.RequireUsable(template, clock.GetLocalNow());
        DropsThinking = TemplateProbe.DropsThinking(template, clock.GetLocalNow());
        MovesSystemPrompt = TemplateProbe.MovesSystemPrompt(template, clock.GetLocalNow());
        EndId = FindEndId();
    }

    /// <summary>
    /// The token with which the template ends a reply's turn: the first one that it writes between a reply and the next message. Null if
    /// it writes plain text only, or if the model itself writes control tokens at the beginning of its turn: such a turn can consist of
    /// several parts, and the same token may end each of them.
    /// </summary>
    public int? EndId { get; }

    /// <summary>
    /// Whether the template leaves the thinking out of earlier replies (Qwen3's does). A stream keeps it, because sampled tokens are
    /// never fed again in another form.
    /// </summary>
    public bool DropsThinking { get; }

    /// <summary>
    /// Whether the template writes the system prompt into the latest message (Mistral's does). A stream has it in its first message
    /// only.
    /// </summary>
    public bool MovesSystemPrompt { get; }

    /// <summary>Loads the chat template of a checkpoint's folder.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="clock">The clock for templates that tell the model the date; null for the system's.</param>
    /// <exception cref="InputException">There is no chat template, or it does not run.</exception>
    public static ChatFormat Load(string folder, Tokenizer tokenizer, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return new ChatFormat(tokenizer, ChatTemplateSource.Load(folder), clock ?? TimeProvider.System);
    }

    /// <summary>The ids of a stream's beginning: BOS once, the system prompt, the first user turn, and the reply's opening.</summary>
    /// <param name="systemPrompt">The system prompt; null or white space for none.</param>
    /// <param name="messages">At least one user message. Together they are one turn, separated by blank lines.</param>
    /// <exception cref="InputException">A text has an unpaired surrogate, or the template refuses the dialogue.</exception>
    public int[] Opening(string? systemPrompt, IReadOnlyList<string> messages) =>
        WithBos(RenderedDialogue.Encode(OpeningParts(systemPrompt, Join(messages)), _tokenizer, SectionStart.Text));

    /// <summary>
    /// Number of ids in an <see cref="Opening"/> with this system prompt before the first user turn: BOS and the system's turn. 0
    /// without a system prompt.
    /// </summary>
    /// <exception cref="InputException">The template writes the system prompt into the user's turn.</exception>
    public int PinnedLength(string? systemPrompt)
    {
        if (string.IsNullOrWhiteSpace(systemPrompt))
            return 0;
        List<RenderedPart> parts = OpeningParts(systemPrompt, Greeting);
        int system = parts.FindLastIndex(p => p.Speaker == Speaker.System);
        int user = parts.FindIndex(p => p.Speaker == Speaker.User);
        int end = parts.FindIndex(system, p => p.Token is not null);
        if (end < 0 || end > user)
            throw new InputException(
                "The checkpoint's chat template writes the system prompt into the first message, where it cannot be pinned: "
                    + "switch pinning off."
            );
        int next = parts.FindIndex(end + 1, p => p.Token is not null);
        int cut = next >= 0 && next < user ? next : end + 1; // with the text between two turns, if a token ends it
        return WithBos(RenderedDialogue.Encode(parts.Take(cut), _tokenizer, SectionStart.Text)).Length;
    }

    /// <summary>
    /// The ids to feed for a new turn after an earlier reply: the end of that reply's turn, the user turn, and the opening of the next
    /// reply. They are rendered from a stub with one earlier exchange, never from the history.
    /// </summary>
    /// <param name="systemPrompt">The conversation's system prompt; null or white space for none.</param>
    /// <param name="messages">At least one new user message. Together they are one turn, because some templates refuse two.</param>
    /// <param name="lastId">
    /// The last sampled id, which is not part of the result. If it is the token that ends a turn, the result begins after that token,
    /// otherwise with it.
    /// </param>
    /// <exception cref="InputException">A text has an unpaired surrogate, or the template refuses the dialogue.</exception>
    public int[] Continuation(string? systemPrompt, IReadOnlyList<string> messages, int lastId)
    {
        List<RenderedPart> parts = Stub(systemPrompt, Join(messages));
        int next = parts.FindLastIndex(p => p.Speaker == Speaker.Assistant) + 1;
        int end = EndOfReply(parts) + 1;
        if (end > next && parts.FindIndex(next, end - next, p => p.Token?.Id == lastId) is var last and >= 0)
            next = last + 1;
        // After a reply that was cut off, the template's text continues the reply's: no space is prepended to it.
        AddedToken? before = _tokenizer.Added.All.FirstOrDefault(token => token.Id == lastId);
        SectionStart start = before is null ? SectionStart.Inside : SectionStart.AfterToken;
        return [.. RenderedDialogue.Encode(parts.Skip(next), _tokenizer, start, before)];
    }

    /// <summary>A dialogue with one earlier exchange.</summary>
    private List<RenderedPart> Stub(string? systemPrompt, string message) =>
        _dialogue.Render([
            .. System(MovesSystemPrompt ? null : systemPrompt),
            (Speaker.EarlierUser, Greeting),
            (Speaker.Assistant, Answer),
            (Speaker.User, message),
        ]);

    /// <summary>
    /// Index of the token that ends the reply of a stub, between the reply and the next message; -1 if there is none. White space can be
    /// an added token too, but it does not end a turn.
    /// </summary>
    private static int EndOfReply(List<RenderedPart> parts)
    {
        int reply = parts.FindLastIndex(p => p.Speaker == Speaker.Assistant);
        return parts.FindIndex(
            reply,
            IndexOf(parts, Speaker.User, reply) - reply,
            p => p.Token is { } token && !string.IsNullOrWhiteSpace(token.Content)
        );
    }

    private int? FindEndId()
    {
        List<RenderedPart> parts;
        try
        {
            parts = Stub(null, Greeting);
        }
        catch (InputException)
        {
            return null; // the template refuses earlier replies, or leaves them out
        }
        int end = EndOfReply(parts);
        if (end < 0)
            return null;
        int[] before = ControlBetween(parts, Speaker.EarlierUser, Speaker.Assistant),
            opening = ControlBetween(parts, Speaker.User, null);
        return opening.AsSpan().StartsWith(before) ? parts[end].Token!.Id : null;
    }

    /// <summary>The control tokens after one speaker's text and before another's, or to the end.</summary>
    private static int[] ControlBetween(List<RenderedPart> parts, Speaker after, Speaker? before)
    {
        int from = parts.FindLastIndex(p => p.Speaker == after) + 1,
            to = before is { } speaker ? IndexOf(parts, speaker, from) : parts.Count;
        return [.. parts[from..to].Where(p => p.Token is { Special: true }).Select(p => p.Token!.Id)];
    }

    /// <summary>Index of a speaker's next text; the number of parts if there is none.</summary>
    private static int IndexOf(List<RenderedPart> parts, Speaker speaker, int from) =>
        parts.FindIndex(from, p => p.Speaker == speaker) is var found and >= 0 ? found : parts.Count;

    private List<RenderedPart> OpeningParts(string? systemPrompt, string text) =>
        _dialogue.Render([.. System(systemPrompt), (Speaker.User, text)]);

    private static IEnumerable<(Speaker, string)> System(string? systemPrompt)
    {
        if (string.IsNullOrWhiteSpace(systemPrompt))
            return [];
        UnicodeText.Require(systemPrompt, "The system prompt");
        return [(Speaker.System, systemPrompt)];
    }

    private static string Join(IReadOnlyList<string> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
            throw new ArgumentException("A turn has at least one message.", nameof(messages));
        foreach (string message in messages)
            UnicodeText.Require(message, "The message");
        return string.Join("\n\n", messages);
    }

    /// <summary>Prepends BOS unless the template wrote it.</summary>
    private int[] WithBos(List<int> ids) => _tokenizer.BosId is int bos && (ids.Count == 0 || ids[0] != bos) ? [bos, .. ids] : [.. ids];
}
