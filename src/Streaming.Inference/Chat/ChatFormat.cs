using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Chat;

/// <summary>
/// Turns messages into the ids that a checkpoint's chat template makes of them, piece by piece, so that an endless
/// conversation feeds only what is new. People's text is never more than text: "&lt;|im_end|&gt;" in a message ends nothing.
/// Any number of threads may use it.
/// </summary>
/// <remarks>
/// For texts without control tokens the pieces joined are the ids of the whole dialogue rendered and encoded at once, as
/// long as the template says the same of earlier turns when later ones come.
/// </remarks>
public sealed class ChatFormat
{
    private readonly Tokenizer _tokenizer;
    private readonly RenderedDialogue _dialogue;

    // What a stub says where nothing of it is fed: templates may leave out what is empty.
    private const string Greeting = "Hello",
        Answer = "Hello there";

    private ChatFormat(Tokenizer tokenizer, ChatTemplate template, TimeProvider clock)
    {
        _tokenizer = tokenizer;
        _dialogue = new RenderedDialogue(template, tokenizer.Added, clock);
        TemplateProbe.RequireUsable(template, clock.GetLocalNow());
        DropsThinking = TemplateProbe.DropsThinking(template, clock.GetLocalNow());
        MovesSystemPrompt = TemplateProbe.MovesSystemPrompt(template, clock.GetLocalNow());
    }

    /// <summary>
    /// Whether the template, given a whole dialogue, leaves the thinking out of earlier replies (Qwen3's does). A stream keeps
    /// what was sampled: nothing that was fed is fed again in another form.
    /// </summary>
    public bool DropsThinking { get; }

    /// <summary>
    /// Whether the template writes the system prompt into the latest message (Mistral's does). A stream has it in its first
    /// message and does not repeat it.
    /// </summary>
    public bool MovesSystemPrompt { get; }

    /// <summary>Loads the chat template of a checkpoint's folder.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="clock">The time that a template may tell the model; null for the system's.</param>
    /// <exception cref="InputException">There is no chat template, or it does not run.</exception>
    public static ChatFormat Load(string folder, Tokenizer tokenizer, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return new ChatFormat(tokenizer, ChatTemplateSource.Load(folder), clock ?? TimeProvider.System);
    }

    /// <summary>The ids of a stream's beginning: BOS once, the system prompt, the first turn, and the opening of the reply.</summary>
    /// <param name="systemPrompt">The system prompt; null or white space for none.</param>
    /// <param name="messages">What people wrote, at least one message; together they are one turn, with blank lines between.</param>
    /// <exception cref="InputException">A text is not well formed, or the template refuses the dialogue.</exception>
    public int[] Opening(string? systemPrompt, IReadOnlyList<string> messages) =>
        WithBos(RenderedDialogue.Encode(OpeningParts(systemPrompt, Join(messages)), _tokenizer, isBeginning: true));

    /// <summary>
    /// How many ids of every <see cref="Opening"/> with this system prompt come before the first person's turn opens: BOS and
    /// the system's turn. 0 without a system prompt.
    /// </summary>
    /// <exception cref="InputException">The template writes the system prompt into the person's turn.</exception>
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
                "The checkpoint's chat template writes the system prompt into the first message, where it cannot be pinned: switch pinning off."
            );
        int next = parts.FindIndex(end + 1, p => p.Token is not null);
        int cut = next >= 0 && next < user ? next : end + 1; // with what the template writes between two turns, where a token ends it
        return WithBos(RenderedDialogue.Encode(parts.Take(cut), _tokenizer, isBeginning: true)).Length;
    }

    /// <summary>
    /// The ids to feed for a new turn after an earlier reply: the end of that reply's turn, the people's turn, and the opening
    /// of the next reply. Rendered from a stub with one earlier exchange, never from the history.
    /// </summary>
    /// <param name="systemPrompt">The conversation's system prompt; null or white space for none.</param>
    /// <param name="messages">What people wrote since, at least one message; together they are one turn, as some templates refuse two.</param>
    /// <param name="lastId">
    /// The last id that was sampled. It is not part of the result; when it is the token that ends a turn, the result begins
    /// after it, otherwise with that token.
    /// </param>
    /// <exception cref="InputException">A text is not well formed, or the template refuses the dialogue.</exception>
    public int[] Continuation(string? systemPrompt, IReadOnlyList<string> messages, int lastId)
    {
        List<RenderedPart> parts = _dialogue.Render([
            .. System(MovesSystemPrompt ? null : systemPrompt),
            (Speaker.EarlierUser, Greeting),
            (Speaker.Assistant, Answer),
            (Speaker.User, Join(messages)),
        ]);
        int next = parts.FindLastIndex(p => p.Speaker == Speaker.Assistant) + 1;
        int end = parts.FindIndex(next, p => p.Token is not null);
        if (end >= 0 && parts[end].Token!.Id == lastId)
            next = end + 1;
        return [.. RenderedDialogue.Encode(parts.Skip(next), _tokenizer, isBeginning: false)];
    }

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

    /// <summary>Puts BOS first where the template did not write it; a template that wrote it has said it all.</summary>
    private int[] WithBos(List<int> ids) => _tokenizer.BosId is int bos && (ids.Count == 0 || ids[0] != bos) ? [bos, .. ids] : [.. ids];
}
