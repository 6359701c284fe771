using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>The log in the embedded store's file. Each method but <see cref="EraseAsync"/> is one read or one write of the store.</summary>
internal sealed class SqliteConversationLog(SqliteStore store) : IConversationLog
{
    /// <inheritdoc/>
    public Task CreateAsync(NewLog log, CancellationToken cancellation = default) =>
        store.WriteAsync(session => SqliteHeadRows.TryInsert(session, log) ? log : throw new LogExistsException(log.Id), cancellation);

    /// <inheritdoc/>
    public async Task<LogHead?> ReadHeadAsync(string id, CancellationToken cancellation = default) =>
        (await store.ReadAsync(session => SqliteHeadRows.Find(session, id), cancellation).ConfigureAwait(false))?.Head;

    /// <inheritdoc/>
    public Task<LogHead> OpenForWritingAsync(string id, string writer, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(writer);
        return store.WriteAsync(session => OpenForWriting(session, id, writer), cancellation);
    }

    /// <inheritdoc/>
    public Task<LogHead> AppendAsync(string id, LogAppend append, CancellationToken cancellation = default)
    {
        var prepared = SqlitePreparedAppend.From(append);
        return store.WriteAsync(session => Append(session, id, prepared), cancellation, prepared.Bytes);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LogEvent>> ReadEventsAsync(
        string id,
        long fromSeq,
        long toSeq,
        int maxRows,
        int maxTextBytes,
        CancellationToken cancellation = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        return store.ReadAsync(
            session => SqliteEventRows.Read(session, SqliteHeadRows.Get(session, id).Log, fromSeq, toSeq, maxRows, maxTextBytes),
            cancellation
        );
    }

    /// <inheritdoc/>
    public Task<int[]> ReadIdsAsync(string id, int branch, long from, long until, CancellationToken cancellation = default)
    {
        LogRules.CheckRange(from, until);
        return store.ReadAsync(session => ReadIds(session, id, branch, from, until), cancellation);
    }

    /// <inheritdoc/>
    public Task<MessageReceipt?> FindMessageAsync(string id, string messageHash, CancellationToken cancellation = default) =>
        store.ReadAsync(session => SqliteReceiptRows.Find(session, SqliteHeadRows.Get(session, id).Log, messageHash), cancellation);

    /// <inheritdoc/>
    public Task<ConversationPage> ListOwnedAsync(string owner, string? after, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        OwnedCursor? cursor = after is null ? null : OwnedCursor.Parse(after);
        return store.ReadAsync(session => SqliteHeadRows.ListOwned(session, owner, cursor, take), cancellation);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListRunningAsync(string? after, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        return store.ReadAsync(session => SqliteHeadRows.ListRunning(session, after, take), cancellation);
    }

    /// <inheritdoc/>
    public Task RetitleAsync(string id, string? title, CancellationToken cancellation = default) =>
        store.WriteAsync(session => SqliteHeadRows.Retitle(session, id, title) ? id : throw new LogMissingException(id), cancellation);

    /// <inheritdoc/>
    public Task HideAsync(string id, DateTimeOffset at, CancellationToken cancellation = default) =>
        store.WriteAsync(session => Hide(session, id, at), cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListHiddenAsync(DateTimeOffset until, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        return store.ReadAsync(session => SqliteHeadRows.ListHidden(session, until, take), cancellation);
    }

    /// <inheritdoc/>
    public async Task EraseAsync(string id, CancellationToken cancellation = default)
    {
        while (
            !await store
                .WriteAsync(session => SqliteErasure.Step(session, id), cancellation, SqliteErasure.MaxBytesPerStep)
                .ConfigureAwait(false)
        )
            cancellation.ThrowIfCancellationRequested();
    }

    private static LogHead OpenForWriting(SqliteSession session, string id, string writer)
    {
        (long log, LogHead? head) = SqliteHeadRows.Get(session, id);
        if (head.HiddenAt is not null)
            throw LogFencedException.Hidden(id);
        LogVersionException.ThrowIfNewer(head);
        if (head.Writer == writer)
            return head;
        LogHead opened = head with { Epoch = head.Epoch + 1, Writer = writer };
        SqliteHeadRows.SetWriter(session, log, opened);
        return opened;
    }

    private static LogHead Append(SqliteSession session, string id, SqlitePreparedAppend prepared)
    {
        (long log, LogHead? head) = SqliteHeadRows.Get(session, id);
        LogAppend append = prepared.Append;
        if (append.Epoch != head.Epoch)
            throw LogFencedException.Stale(head, append);
        if (append.ExpectedLastSeq != head.LastSeq || (append.ExpectedPosition ?? head.Position) != head.Position)
        {
            return prepared.Digest.AsSpan().SequenceEqual(SqliteHeadRows.LastAppend(session, log))
                ? head
                : throw LogFencedException.Stale(head, append);
        }

        LogVersionException.ThrowIfNewer(head);
        LogHead advanced = LogRules.Advance(head, append);
        SqliteEventRows.Insert(session, log, append.Events, prepared.Lengths);
        if (append.CutTo is { } start)
            SqliteIdRows.InsertBranch(session, log, advanced.Branch, start);
        SqliteIdRows.Insert(session, log, advanced.Branch, append.CutTo ?? head.Position, prepared.Ids);
        if (append.Receipt is { } receipt)
            SqliteReceiptRows.Insert(session, log, receipt);
        SqliteHeadRows.Update(session, log, head, advanced, prepared.Digest);
        return advanced;
    }

    private static int[] ReadIds(SqliteSession session, string id, int branch, long from, long until)
    {
        (long log, LogHead? head) = SqliteHeadRows.Get(session, id);
        LogRules.CheckBranch(head, branch);
        return SqliteIdRows.Read(session, log, branch, from, until);
    }

    private static string Hide(SqliteSession session, string id, DateTimeOffset at)
    {
        (long log, LogHead? head) = SqliteHeadRows.Get(session, id);
        if (head.HiddenAt is not null)
            return id;
        LogVersionException.ThrowIfNewer(head);
        SqliteHeadRows.Hide(session, log, at);
        return id;
    }
}
