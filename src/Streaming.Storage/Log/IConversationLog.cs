using Streaming.Contracts.Conversations;

namespace Streaming.Storage.Log;

/// <summary>
/// The truth about every conversation: a head, events by number, token ids by (branch, position). Append only, read in pages;
/// no operation costs more because a conversation is long. One suite of contract tests holds for every store.
/// Cancelling ends the wait, not necessarily the write: a write that was cancelled, or failed as unavailable, is in doubt, and
/// is repeated or read back.
/// Operations on a conversation without a head throw <see cref="LogMissingException"/>; a store that does not answer throws
/// <see cref="LogUnavailableException"/>.
/// </summary>
public interface IConversationLog
{
    /// <summary>Makes a head and an entry in the owner's index; nothing else makes a head.</summary>
    /// <exception cref="LogExistsException">There is one (also a hidden one).</exception>
    Task CreateAsync(NewLog log, CancellationToken cancellation = default);

    /// <summary>The head; null when there is none. Hidden conversations are returned, with <see cref="LogHead.HiddenAt"/>.</summary>
    Task<LogHead?> ReadHeadAsync(string id, CancellationToken cancellation = default);

    /// <summary>
    /// Takes the next epoch for a writer; appends under older epochs fail from here on. Repeated by the writer that has the
    /// present epoch (a lost response), it answers that epoch again.
    /// </summary>
    /// <param name="id">The conversation.</param>
    /// <param name="writer">A random name of this activation, by which its own write is recognised after a lost response.</param>
    /// <param name="cancellation">Ends the wait, not necessarily the write.</param>
    /// <exception cref="LogFencedException">The conversation is hidden: nobody writes it any more.</exception>
    Task<LogHead> OpenForWritingAsync(string id, string writer, CancellationToken cancellation = default);

    /// <summary>
    /// Appends events, ids and the new head, all or nothing, and returns the new head. Repeating the last append that took effect
    /// (the same in everything: a lost response) answers as the first time.
    /// </summary>
    /// <exception cref="LogFencedException">
    /// The epoch, the expected last number or the expected position is stale, or another append took these numbers: this
    /// activation must end.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The append contradicts itself or its head (numbers, positions, turns, lengths of text, a receipt that is there already) or
    /// is too large; nothing is stored.
    /// </exception>
    Task<LogHead> AppendAsync(string id, LogAppend append, CancellationToken cancellation = default);

    /// <summary>
    /// Rows of events from the one that contains <paramref name="fromSeq"/> upwards, in order, to the one that contains
    /// <paramref name="toSeq"/>; at most <paramref name="maxRows"/> rows (1 or more) and <paramref name="maxTextBytes"/> UTF-8
    /// bytes of text, but at least one row if there is one. Rows are whole: the first and the last may reach beyond what was asked.
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
    /// The ids at positions [<paramref name="from"/>, <paramref name="to"/>) as the given branch sees them: its own rows, before
    /// its beginning its parent's, and so on. Fewer than asked only when the branch's stream is shorter.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such branch yet, or the range is not one.</exception>
    Task<int[]> ReadIdsAsync(string id, int branch, long from, long to, CancellationToken cancellation = default);

    /// <summary>What a clientMessageId answered, by its hash; null when it was never seen.</summary>
    Task<MessageReceipt?> FindMessageAsync(string id, string messageHash, CancellationToken cancellation = default);

    /// <summary>
    /// An owner's conversations that are not hidden, last active first, after a page's <c>Next</c>. Each page is as of its own
    /// reading: what becomes active between two pages moves to the front, so it may be seen twice or, if it was still to come,
    /// not in a later page.
    /// </summary>
    /// <exception cref="ArgumentException"><paramref name="after"/> is not a page's <c>Next</c>, or <paramref name="take"/> is below 1.</exception>
    Task<ConversationPage> ListOwnedAsync(string owner, string? after, int take, CancellationToken cancellation = default);

    /// <summary>Ids of conversations whose head says that something is running, hidden ones not included, in id order, after an id.</summary>
    Task<IReadOnlyList<string>> ListRunningAsync(string? after, int take, CancellationToken cancellation = default);

    /// <summary>Changes the title in the owner's index.</summary>
    Task RetitleAsync(string id, string? title, CancellationToken cancellation = default);

    /// <summary>Hides it: gone from its owner's list and from what is running, and the epoch goes up, so that its writer is fenced. Twice: no effect.</summary>
    Task HideAsync(string id, DateTimeOffset at, CancellationToken cancellation = default);

    /// <summary>Ids of conversations hidden at or before a time, first hidden first; those erased in part are among them.</summary>
    Task<IReadOnlyList<string>> ListHiddenAsync(DateTimeOffset until, int take, CancellationToken cancellation = default);

    /// <summary>
    /// Erases a hidden conversation for ever, the head last, in bounded steps; interrupted, it goes on when called again.
    /// Not there: no effect.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is not hidden.</exception>
    Task EraseAsync(string id, CancellationToken cancellation = default);
}

/// <summary>A conversation to be.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Owner">Its owner's identity.</param>
/// <param name="Title">Its title in the owner's index.</param>
/// <param name="At">Now.</param>
public sealed record NewLog(string Id, string Owner, string? Title, DateTimeOffset At);

/// <summary>The head of a log.</summary>
public sealed record LogHead
{
    /// <summary>The conversation.</summary>
    public required string Id { get; init; }

    /// <summary>The owner's identity.</summary>
    public required string Owner { get; init; }

    /// <summary>Counts the writers; 0 before the first.</summary>
    public long Epoch { get; init; }

    /// <summary>The present writer's random name.</summary>
    public string Writer { get; init; } = "";

    /// <summary>The last event's number.</summary>
    public long LastSeq { get; init; }

    /// <summary>Tokens of the stream.</summary>
    public long Position { get; init; }

    /// <summary>Cuts so far.</summary>
    public int Branch { get; init; }

    /// <summary>The last turn's number.</summary>
    public int LastTurn { get; init; }

    /// <summary>Whether something is running or waiting: listed until it is not.</summary>
    public bool Running { get; init; }

    /// <summary>What the writer needs to go on (JSON of its own); empty before the first append.</summary>
    public string State { get; init; } = "";

    /// <summary>When something was last said, UTC.</summary>
    public DateTimeOffset ActiveAt { get; init; }

    /// <summary>When it was created, UTC.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was hidden; null when it is not.</summary>
    public DateTimeOffset? HiddenAt { get; init; }
}

/// <summary>
/// What is appended at once: at most <see cref="MaxBytes"/> in all, counted as the UTF-8 bytes of events' texts and details and
/// of the state, a byte a length and four bytes an id. Longer streams of ids go in several appends.
/// </summary>
public sealed record LogAppend
{
    /// <summary>2 MiB: encoded by any store it fits one transaction.</summary>
    public const int MaxBytes = 2 << 20;

    /// <summary>The writer's epoch.</summary>
    public required long Epoch { get; init; }

    /// <summary>The last number before this append.</summary>
    public required long ExpectedLastSeq { get; init; }

    /// <summary>
    /// The position before this append; null does not say. Required for ids without an event, where the numbers alone could not
    /// tell a repeated append from a new one.
    /// </summary>
    public long? ExpectedPosition { get; init; }

    /// <summary>Events, their numbers without a gap from <see cref="ExpectedLastSeq"/> + 1; may be empty (only the head changes).</summary>
    public IReadOnlyList<LogEvent> Events { get; init; } = [];

    /// <summary>Ids that go on the stream at the head's position; after a cut, at the position that it returned to.</summary>
    public ReadOnlyMemory<int> Ids { get; init; }

    /// <summary>
    /// A cut: back to a position, on a new branch (the head's plus one); null for none. <see cref="Ids"/> follow it. Comes with at
    /// least one event (the <c>cut</c>).
    /// </summary>
    public long? CutTo { get; init; }

    /// <summary>The last turn's number from here on; never goes down.</summary>
    public required int LastTurn { get; init; }

    /// <summary>Whether something is running from here on.</summary>
    public required bool Running { get; init; }

    /// <summary>What the writer needs to go on.</summary>
    public required string State { get; init; }

    /// <summary>When something was last said; null leaves it (and the place in the owner's list).</summary>
    public DateTimeOffset? ActiveAt { get; init; }

    /// <summary>A message's receipt, stored with it.</summary>
    public MessageReceipt? Receipt { get; init; }
}

/// <summary>A stored event: one number, or a group of a reply's tokens.</summary>
public sealed record LogEvent
{
    /// <summary>The first number.</summary>
    public required long First { get; init; }

    /// <summary>The last number.</summary>
    public required long Last { get; init; }

    /// <summary>One of <see cref="EventKind"/>, a stored one.</summary>
    public required string Kind { get; init; }

    /// <summary>The turn it belongs to; 0 for none.</summary>
    public int Turn { get; init; }

    /// <summary>A message's author; null for the model.</summary>
    public string? Author { get; init; }

    /// <summary>The text.</summary>
    public string Text { get; init; } = "";

    /// <summary>Where in its turn's text this event's text starts, UTF-16 units.</summary>
    public long TextOffset { get; init; }

    /// <summary>
    /// Of a delta: UTF-16 units of text that each token brought; one entry a number, their sum the text's length. May be empty
    /// for other kinds, which have one number each.
    /// </summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>When, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Of <c>finished</c>: reason, counts, times, as JSON of the writer's own; null else.</summary>
    public string? Detail { get; init; }
}

/// <summary>What a clientMessageId answered.</summary>
/// <param name="MessageHash">Hash of the clientMessageId.</param>
/// <param name="TextHash">Hash of what was sent under it.</param>
/// <param name="Turn">The turn that was answered.</param>
/// <param name="Seq">The number that was answered.</param>
public sealed record MessageReceipt(string MessageHash, string TextHash, int Turn, long Seq);
