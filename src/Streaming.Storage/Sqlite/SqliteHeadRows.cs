using Microsoft.Data.Sqlite;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>A head with the short name that its rows go by.</summary>
internal sealed record SqliteHead(long Log, LogHead Head);

/// <summary>A head's whole row.</summary>
/// <param name="Stored">The head and its short name.</param>
/// <param name="Title">The title in the owner's list.</param>
/// <param name="LastAppend">The digest of the last append; empty before the first.</param>
internal sealed record SqliteFullHead(SqliteHead Stored, string? Title, byte[] LastAppend);

/// <summary>The table <c>heads</c>: one row a conversation, which is its entry in its owner's list as well.</summary>
internal static class SqliteHeadRows
{
    private const string Columns =
        "log, id, owner, created_at, active_at, hidden_at, epoch, writer, last_seq, position, branch, last_turn, running, state";

    /// <summary>Makes a head; false when there is one.</summary>
    public static bool TryInsert(SqliteSession session, NewLog log) =>
        session.Execute(
            "INSERT INTO heads (id, owner, title, created_at, active_at) VALUES ($id, $owner, $title, $at, $at) ON CONFLICT (id) DO NOTHING",
            ("$id", log.Id),
            ("$owner", log.Owner),
            ("$title", log.Title),
            ("$at", log.At.UtcTicks)
        ) == 1;

    /// <summary>The head, or null.</summary>
    public static SqliteHead? Find(SqliteSession session, string id) =>
        session.First($"SELECT {Columns} FROM heads WHERE id = $id", Read, ("$id", id));

    /// <summary>The head.</summary>
    /// <exception cref="LogMissingException">There is none.</exception>
    public static SqliteHead Get(SqliteSession session, string id) => Find(session, id) ?? throw new LogMissingException(id);

    /// <summary>The digest of the last append; empty before the first.</summary>
    public static byte[] LastAppend(SqliteSession session, long log) =>
        session.First(
            "SELECT last_append FROM heads WHERE log = $log",
            row => row.IsDBNull(0) ? [] : row.GetFieldValue<byte[]>(0),
            ("$log", log)
        ) ?? [];

    /// <summary>Stores epoch and writer.</summary>
    public static void SetWriter(SqliteSession session, long log, LogHead head) =>
        session.Execute(
            "UPDATE heads SET epoch = $epoch, writer = $writer WHERE log = $log",
            ("$log", log),
            ("$epoch", head.Epoch),
            ("$writer", head.Writer)
        );

    /// <summary>Stores what an append changed. The indexed columns are touched only when they change, since that moves index rows.</summary>
    public static void Update(SqliteSession session, long log, LogHead before, LogHead after, byte[] lastAppend)
    {
        session.Execute(
            """
            UPDATE heads SET last_seq = $last_seq, position = $position, branch = $branch, last_turn = $last_turn, state = $state,
                last_append = $last_append WHERE log = $log
            """,
            ("$log", log),
            ("$last_seq", after.LastSeq),
            ("$position", after.Position),
            ("$branch", after.Branch),
            ("$last_turn", after.LastTurn),
            ("$state", after.State),
            ("$last_append", lastAppend)
        );
        if (after.Running != before.Running)
            session.Execute("UPDATE heads SET running = $running WHERE log = $log", ("$log", log), ("$running", after.Running));
        if (after.ActiveAt != before.ActiveAt)
            session.Execute(
                "UPDATE heads SET active_at = $active_at WHERE log = $log",
                ("$log", log),
                ("$active_at", after.ActiveAt.UtcTicks)
            );
    }

    /// <summary>Stores a title; false when there is no head.</summary>
    public static bool Retitle(SqliteSession session, string id, string? title) =>
        session.Execute("UPDATE heads SET title = $title WHERE id = $id", ("$id", id), ("$title", title)) == 1;

    /// <summary>Hides it, and takes it from its writer.</summary>
    public static void Hide(SqliteSession session, long log, DateTimeOffset at) =>
        session.Execute(
            "UPDATE heads SET hidden_at = $at, epoch = epoch + 1, writer = '' WHERE log = $log",
            ("$log", log),
            ("$at", at.UtcTicks)
        );

    /// <summary>Removes it; its rows elsewhere must be gone.</summary>
    public static void Delete(SqliteSession session, long log) => session.Execute("DELETE FROM heads WHERE log = $log", ("$log", log));

    /// <summary>A page of an owner's list.</summary>
    public static ConversationPage ListOwned(SqliteSession session, string owner, OwnedCursor? after, int take)
    {
        // One more than asked tells whether there is a next page.
        var from = after ?? new OwnedCursor(long.MaxValue, "");
        var entries = session.All(
            """
            SELECT id, title, created_at, active_at FROM heads
            WHERE owner = $owner AND hidden_at IS NULL AND (active_at, id) < ($active_at, $after)
            ORDER BY active_at DESC, id DESC LIMIT $take
            """,
            row => new ConversationEntry(row.GetString(0), OptionalText(row, 1), Time(row, 2), Time(row, 3)),
            ("$owner", owner),
            ("$active_at", from.ActiveAt),
            ("$after", from.Id),
            ("$take", take + 1L)
        );
        if (entries.Count <= take)
            return new ConversationPage(entries, null);
        entries.RemoveAt(take);
        return new ConversationPage(entries, new OwnedCursor(entries[^1].ActiveAt.UtcTicks, entries[^1].Id).ToString());
    }

    /// <summary>Conversations that say they run.</summary>
    public static IReadOnlyList<string> ListRunning(SqliteSession session, string? after, int take) =>
        session.All(
            "SELECT id FROM heads WHERE running = 1 AND hidden_at IS NULL AND id > $after ORDER BY id LIMIT $take",
            row => row.GetString(0),
            ("$after", after ?? ""),
            ("$take", take)
        );

    /// <summary>Conversations that were hidden by then.</summary>
    public static IReadOnlyList<string> ListHidden(SqliteSession session, DateTimeOffset until, int take) =>
        session.All(
            "SELECT id FROM heads WHERE hidden_at IS NOT NULL AND hidden_at <= $until ORDER BY hidden_at, id LIMIT $take",
            row => row.GetString(0),
            ("$until", until.UtcTicks),
            ("$take", take)
        );

    /// <summary>Whole rows by their short names, hidden ones too, after one of them.</summary>
    public static List<SqliteFullHead> ReadAll(SqliteSession session, long after, int take) =>
        session.All(
            $"SELECT {Columns}, title, last_append FROM heads WHERE log > $after ORDER BY log LIMIT $take",
            row => new SqliteFullHead(Read(row), OptionalText(row, 14), row.IsDBNull(15) ? [] : row.GetFieldValue<byte[]>(15)),
            ("$after", after),
            ("$take", take)
        );

    private static SqliteHead Read(SqliteDataReader row) =>
        new(
            row.GetInt64(0),
            new LogHead
            {
                Id = row.GetString(1),
                Owner = row.GetString(2),
                CreatedAt = Time(row, 3),
                ActiveAt = Time(row, 4),
                HiddenAt = row.IsDBNull(5) ? null : Time(row, 5),
                Epoch = row.GetInt64(6),
                Writer = row.GetString(7),
                LastSeq = row.GetInt64(8),
                Position = row.GetInt64(9),
                Branch = row.GetInt32(10),
                LastTurn = row.GetInt32(11),
                Running = row.GetBoolean(12),
                State = row.GetString(13),
            }
        );

    private static DateTimeOffset Time(SqliteDataReader row, int column) => new(row.GetInt64(column), TimeSpan.Zero);

    private static string? OptionalText(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
