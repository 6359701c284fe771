using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Storage.Log;

/// <summary>
/// The source of truth for every conversation: a head, events by number, token ids by (branch, position). It is append-only and read in
/// pages. No operation costs more because a conversation is long. Every store passes the same contract tests.
/// Cancellation ends the wait, not necessarily the write. A write that was cancelled, or failed as unavailable, is in doubt: repeat it
/// or read it back.
/// Operations on a conversation without a head throw <see cref="LogMissingException"/>. A store that does not answer throws
/// <see cref="LogUnavailableException"/>. A write to a conversation that a newer version extended throws <see cref="LogVersionException"/>.
/// </summary>
public interface IConversationLog
{
    /// <summary>Creates a head and an entry in the owner's list; nothing else creates a head.</summary>
    /// <exception cref="LogExistsException">The conversation has a head, even if it is hidden.</exception>
    Task CreateAsync(NewLog log, CancellationToken cancellation = default);

    /// <summary>The head, or null if there is none. Hidden conversations are returned, with <see cref="LogHead.HiddenAt"/>.</summary>
    Task<LogHead?> ReadHeadAsync(string id, CancellationToken cancellation = default);

    /// <summary>
    /// Takes the next epoch, the fencing token of a writer: from then on, appends under older epochs fail. If the writer of the current
    /// epoch calls it again (after a lost response), it returns the same epoch.
    /// </summary>
    /// <param name="id">The conversation.</param>
    /// <param name="writer">A random name of this activation, by which it recognises its own write after a lost response.</param>
    /// <param name="cancellation">Ends the wait, not necessarily the write.</param>
    /// <exception cref="LogFencedException">The conversation is hidden and takes no more writes.</exception>
    Task<LogHead> OpenForWritingAsync(string id, string writer, CancellationToken cancellation = default);

    /// <summary>
    /// Appends events, ids and the new head, all or nothing, and returns the new head. An exact repetition of the last stored append (after
    /// a lost response) returns the same head and stores nothing.
    /// </summary>
    /// <exception cref="LogFencedException">
    /// The epoch, the expected last number or the expected position is stale, or another append took these numbers. The activation must
    /// end.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The append contradicts itself or its head (numbers, positions, turns, text lengths, a receipt that is already stored) or is too
    /// large; nothing is stored.
    /// </exception>
    Task<LogHead> AppendAsync(string id, LogAppend append, CancellationToken cancellation = default);

    /// <summary>
    /// Events in order, from the one that contains <paramref name="fromSeq"/> to the one that contains <paramref name="toSeq"/>: at most
    /// <paramref name="maxRows"/> (1 or more) and <paramref name="maxTextBytes"/> UTF-8 bytes of text, but at least one if there is one.
    /// Events are returned whole, so the first and the last may reach beyond the range.
    /// </summary>
    Task<IReadOnlyList<LogEvent>> ReadEventsAsync(
        string id,
        long fromSeq,
        long toSeq,
        int maxRows,
        int maxTextBytes,
        CancellationToken cancellation = default
    );

    /// <summary>
    /// The ids at positions [<paramref name="from"/>, <paramref name="until"/>) as the branch sees them: its own from its start on, its
    /// parent's before, and so on. Fewer only if the branch's stream is shorter.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such branch, or the range is invalid.</exception>
    Task<int[]> ReadIdsAsync(string id, int branch, long from, long until, CancellationToken cancellation = default);

    /// <summary>The receipt of a clientMessageId, by its hash; null if it was never stored.</summary>
    Task<MessageReceipt?> FindMessageAsync(string id, string messageHash, CancellationToken cancellation = default);

    /// <summary>
    /// A page of an owner's conversations that are not hidden, last active first, after an earlier page's <c>Next</c>. A conversation that
    /// becomes active between two pages moves to the front, so it may appear twice, or in no later page.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// <paramref name="after"/> is not an earlier page's <c>Next</c>, or <paramref name="take"/> is below 1.
    /// </exception>
    Task<ConversationPage> ListOwnedAsync(string owner, string? after, int take, CancellationToken cancellation = default);

    /// <summary>Ids, in order and after <paramref name="after"/>, of conversations that are running and not hidden.</summary>
    Task<IReadOnlyList<string>> ListRunningAsync(string? after, int take, CancellationToken cancellation = default);

    /// <summary>Changes the title in the owner's list. Any version may do so, whatever version the head requires.</summary>
    Task RetitleAsync(string id, string? title, CancellationToken cancellation = default);

    /// <summary>
    /// Hides a conversation: removes it from the owner's list and the list of running ones, and raises the epoch, which fences the
    /// writer. If it is already hidden, there is no effect.
    /// </summary>
    Task HideAsync(string id, DateTimeOffset at, CancellationToken cancellation = default);

    /// <summary>Ids of conversations hidden at or before a time, first hidden first, including partly erased ones.</summary>
    Task<IReadOnlyList<string>> ListHiddenAsync(DateTimeOffset until, int take, CancellationToken cancellation = default);

    /// <summary>
    /// Erases a hidden conversation for ever, in bounded steps, the head last. After an interruption, call it again to continue. If there
    /// is no head, there is no effect.
    /// </summary>
    /// <exception cref="InvalidOperationException">The conversation is not hidden.</exception>
    Task EraseAsync(string id, CancellationToken cancellation = default);
}

/// <summary>A conversation to create.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Owner">Its owner's identity.</param>
/// <param name="Title">Its title in the owner's list.</param>
/// <param name="At">The time of creation.</param>
public sealed record NewLog(string Id, string Owner, string? Title, DateTimeOffset At);

/// <summary>The head of a log.</summary>
public sealed record LogHead
{
    /// <summary>The conversation.</summary>
    public required string Id { get; init; }

    /// <summary>The owner's identity.</summary>
    public required string Owner { get; init; }

    /// <summary>Fencing token: counts the writers; 0 before the first.</summary>
    public long Epoch { get; init; }

    /// <summary>The current writer's random name.</summary>
    public string Writer { get; init; } = "";

    /// <summary>The last event's number.</summary>
    public long LastSeq { get; init; }

    /// <summary>Tokens in the stream of the current branch.</summary>
    public long Position { get; init; }

    /// <summary>Cuts so far.</summary>
    public int Branch { get; init; }

    /// <summary>The last turn's number.</summary>
    public int LastTurn { get; init; }

    /// <summary>Whether a reply is running or a message is waiting. As long as it is set, the conversation is listed as running.</summary>
    public bool Running { get; init; }

    /// <summary>The writer's own state (JSON), which it needs to resume; empty before the first append.</summary>
    public string State { get; init; } = "";

    /// <summary>The oldest <see cref="StoreVersion"/> that may write this conversation; any version may read it.</summary>
    public int RequiredVersion { get; init; } = 1;

    /// <summary>When the conversation was last active, UTC.</summary>
    public DateTimeOffset ActiveAt { get; init; }

    /// <summary>When it was created, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was hidden; null if it is not.</summary>
    public DateTimeOffset? HiddenAt { get; init; }
}

/// <summary>
/// One append, of at most <see cref="MaxBytes"/>: the UTF-8 bytes of texts, details and state, one byte per length and four per id. Split
/// longer streams of ids into several appends.
/// </summary>
public sealed record LogAppend
{
    /// <summary>2 MiB, which fits one transaction in every store.</summary>
    public const int MaxBytes = 2 << 20;

    /// <summary>The writer's epoch.</summary>
    public required long Epoch { get; init; }

    /// <summary>The last number before this append.</summary>
    public required long ExpectedLastSeq { get; init; }

    /// <summary>
    /// The position before this append; null leaves it unchecked. Ids without an event require it, since the numbers alone would not
    /// distinguish a repeated append from a new one.
    /// </summary>
    public long? ExpectedPosition { get; init; }

    /// <summary>Events, numbered without a gap from <see cref="ExpectedLastSeq"/> + 1. If empty, only ids and the head change.</summary>
    public IReadOnlyList<LogEvent> Events { get; init; } = [];

    /// <summary>Ids to append to the stream at the head's position, or after a cut at <see cref="CutTo"/>.</summary>
    public ReadOnlyMemory<int> Ids { get; init; }

    /// <summary>
    /// The position that a cut returns to, on a new branch (the head's plus one); null for no cut. <see cref="Ids"/> follow it. A cut
    /// needs at least one event (the <c>cut</c>).
    /// </summary>
    public long? CutTo { get; init; }

    /// <summary>The last turn's number after this append; it never falls.</summary>
    public required int LastTurn { get; init; }

    /// <summary>Whether the conversation is running after this append.</summary>
    public required bool Running { get; init; }

    /// <summary>The writer's own state after this append.</summary>
    public required string State { get; init; }

    /// <summary>When the conversation was last active; null leaves the time, and the place in the owner's list.</summary>
    public DateTimeOffset? ActiveAt { get; init; }

    /// <summary>The receipt of the message in this append.</summary>
    public MessageReceipt? Receipt { get; init; }

    /// <summary>
    /// The oldest <see cref="StoreVersion"/> that can write the conversation after this append without dropping anything. It raises the
    /// head's required version and never lowers it.
    /// </summary>
    public int RequiredVersion { get; init; } = 1;
}

/// <summary>A stored event: one number, or the numbers of a group of tokens.</summary>
public sealed record LogEvent
{
    /// <summary>The first number.</summary>
    public required long First { get; init; }

    /// <summary>The last number.</summary>
    public required long Last { get; init; }

    /// <summary>A stored kind of <see cref="EventKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary>The turn it belongs to; 0 for none.</summary>
    public int Turn { get; init; }

    /// <summary>A message's author; null for the model.</summary>
    public string? Author { get; init; }

    /// <summary>The text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Where this event's text starts in the turn's text, in UTF-16 units.</summary>
    public long TextOffset { get; init; }

    /// <summary>
    /// For a delta, the UTF-16 units of text from each token: one entry per number, adding up to the text's length. May be empty for other
    /// kinds, which have one number each.
    /// </summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>The time, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>For <c>finished</c>, the writer's own JSON: reason, counts, times; else null.</summary>
    public string? Detail { get; init; }
}

/// <summary>What a message was answered.</summary>
/// <param name="MessageHash">Hash of its clientMessageId.</param>
/// <param name="TextHash">Hash of its text.</param>
/// <param name="Turn">The turn in the answer.</param>
/// <param name="Seq">The event number in the answer.</param>
public sealed record MessageReceipt(string MessageHash, string TextHash, int Turn, long Seq);
