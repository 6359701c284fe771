using System.Collections.Immutable;
using Streaming.Inference.Caching;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Log;

namespace Streaming.Grains.Persistence;

/// <summary>
/// The one writer of a conversation's log: keeps head and session as they are stored, and appends one after another under its
/// epoch. Memory changes only after an append took effect.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="head">Its head, as last read.</param>
/// <param name="time">The clock.</param>
/// <param name="storeWaits">
/// Called with true when the store does not answer and an append is repeated; with false when a repeated append succeeds, and when the
/// first one of all succeeds, since an earlier writer may have ended while it waited.
/// </param>
internal sealed class ConversationWriter(IConversationLog log, LogHead head, TimeProvider time, Action<bool>? storeWaits = null)
{
    private const int Attempts = 6;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private bool _open;

    /// <summary>The log's head as last read or appended.</summary>
    public LogHead Head { get; private set; } = head;

    /// <summary>The running reply and the waiting messages.</summary>
    public SessionState Session { get; private set; } = SessionState.Parse(head.State);

    /// <summary>Whether the store has taken an append of this writer.</summary>
    public bool HasAppended { get; private set; }

    /// <summary>Fixed part and window; null until they are loaded.</summary>
    public TokenWindow? Window { get; private set; }

    /// <summary>Reads fixed part and window from the log once; appends keep them up to date.</summary>
    public async Task<TokenWindow> LoadWindowAsync(CacheLayout layout)
    {
        await _turn.WaitAsync();
        try
        {
            return Window ??= await TokenWindow.ReadAsync(log, Head.Id, Head.Branch, Head.Position, layout);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Takes the window of the previous activation, if it belongs to this head.</summary>
    public void Adopt(MigratedWindow migrated, CacheLayout layout)
    {
        if ((migrated.Branch, migrated.Position) == (Head.Branch, Head.Position))
            Window = TokenWindow.Of(layout, migrated.Position, migrated.FixedIds, migrated.WindowIds);
    }

    /// <summary>The ids from a position to the end of the stream.</summary>
    public async Task<int[]> ReadTailAsync(long from) =>
        Window?.TailFrom(from) ?? await log.ReadIdsAsync(Head.Id, Head.Branch, from, Head.Position);

    /// <summary>Takes the next epoch, once; reading needs none.</summary>
    public async Task OpenAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_open)
                return;
            LogHead known = Head;
            Head = await log.OpenForWritingAsync(Head.Id, Guid.NewGuid().ToString("N"));
            Session = SessionState.Parse(Head.State);
            if (Head.Position != known.Position || Head.Branch != known.Branch)
                Window = null; // Another activation wrote since this one read.
            _open = true;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Appends what <paramref name="draft"/> makes of the current head and session, and returns the events as they were stored. An
    /// append whose answer was lost is repeated; the log recognises it.
    /// </summary>
    /// <exception cref="LogFencedException">Another activation writes, so this one must end.</exception>
    /// <exception cref="LogUnavailableException">The store did not answer for a while, so this activation must end.</exception>
    public async Task<IReadOnlyList<LogEvent>> AppendAsync(Func<LogHead, SessionState, Draft> draft)
    {
        await OpenAsync();
        await _turn.WaitAsync();
        try
        {
            Draft next = draft(Head, Session);
            SessionState session = next.Session with { StreamHash = HashWith(next.Ids.Span) };
            var append = new LogAppend
            {
                Epoch = Head.Epoch,
                ExpectedLastSeq = Head.LastSeq,
                ExpectedPosition = Head.Position,
                Events = next.Events,
                Ids = next.Ids,
                LastTurn = next.LastTurn ?? Head.LastTurn,
                Running = session.IsRunning,
                State = session.ToJson(),
                ActiveAt = next.ActiveAt,
                Receipt = next.Receipt,
            };
            Head = await AppendWithRetriesAsync(append);
            Session = session;
            Window?.Append(next.Ids.Span);
            return next.Events;
        }
        finally
        {
            _turn.Release();
        }
    }

    private UInt128? HashWith(ReadOnlySpan<int> ids) =>
        ids.IsEmpty ? Session.StreamHash : (Session.StreamHash is { } known ? new StreamHash(known) : StreamHash.Empty).Append(ids).Value;

    private async Task<LogHead> AppendWithRetriesAsync(LogAppend append)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                LogHead next = await log.AppendAsync(Head.Id, append);
                if (attempt > 1 || !HasAppended)
                    storeWaits?.Invoke(false);
                HasAppended = true;
                return next;
            }
            catch (LogUnavailableException) when (attempt < Attempts)
            {
                if (attempt == 1)
                    storeWaits?.Invoke(true);
                await Task.Delay(TimeSpan.FromMilliseconds(100 << attempt), time);
            }
        }
    }
}

/// <summary>The ids that attention sees, for the activation that continues on another silo.</summary>
// The stored name; see StoredNamesTests.
[GenerateSerializer, Immutable, Alias("handed-window")]
internal sealed record MigratedWindow(
    [property: Id(0)] int Branch,
    [property: Id(1)] long Position,
    [property: Id(2)] int[] FixedIds,
    [property: Id(3)] int[] WindowIds
);

/// <summary>The content of the next append.</summary>
internal sealed record Draft(SessionState Session)
{
    /// <summary>Events, numbered from the head's last number on.</summary>
    public ImmutableArray<LogEvent> Events { get; init; } = [];

    /// <summary>Ids that extend the stream.</summary>
    public ReadOnlyMemory<int> Ids { get; init; }

    /// <summary>The last turn's number; null leaves it.</summary>
    public int? LastTurn { get; init; }

    /// <summary>When a message was sent; null for other appends.</summary>
    public DateTimeOffset? ActiveAt { get; init; }

    /// <summary>A message's receipt.</summary>
    public MessageReceipt? Receipt { get; init; }
}
