using Microsoft.Data.Sqlite;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>A head, and the number by which the other tables refer to its conversation.</summary>
internal sealed record SqliteHead(long Log, LogHead Head);

/// <summary>All of a head's row.</summary>
/// <param name="Stored">The head and its number.</param>
/// <param name="Title">The title in the owner's list.</param>
/// <param name="LastAppend">The digest of the last append; empty before the first.</param>
internal sealed record SqliteFullHead(SqliteHead Stored, string? Title, byte[] LastAppend);

/// <summary>The table <c>heads</c>: one row per conversation, which is also its entry in the lists.</summary>
internal static class SqliteHeadRows
{
    private const string Columns = """
        log, id, owner, created_at, active_at, hidden_at, epoch, writer, last_seq, position, branch, last_turn, running, state,
        required_version
        """;

    /// <summary>Creates a head. False if there is one.</summary>
    public static bool TryInsert(SqliteSession session, NewLog log) =>
        session.Execute(
            """
            INSERT INTO heads (id, owner, title, created_at, active_at) VALUES ($id, $owner, $title, $at, $at)
            ON CONFLICT (id) DO NOTHING
            """,
            ("$id", log.Id),
            ("$owner", log.Owner),
            ("$title", log.Title),
            ("$at", log.At.UtcTicks)
        ) == 1;

    /// <summary>The head, or null if there is none.</summary>
    public static SqliteHead? Find(SqliteSession session, string id) =>
        session.First($"SELECT {Columns} FROM heads WHERE id = $id", Read, ("$id", id));

    /// <summary>The head.</summary>
    /// <exception cref="LogMissingException">There is no head.</exception>
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

    /// <summary>Stores the head after an append. Indexed columns are written only if they change, since that moves index entries.</summary>
    public static void Update(SqliteSession session, long log, LogHead before, LogHead after, byte[] lastAppend)
    {
        session.Execute(
            """
            UPDATE heads SET last_seq = $last_seq, position = $position, branch = $branch, last_turn = $last_turn, state = $state,
                last_append = $last_append, required_version = $required_version WHERE log = $log
            """,
            ("$log", log),
            ("$last_seq", after.LastSeq),
            ("$position", after.Position),
            ("$branch", after.Branch),
            ("$last_turn", after.LastTurn),
            ("$state", after.State),
            ("$last_append", lastAppend),
            ("$required_version", after.RequiredVersion)
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

    /// <summary>Stores a title. False if there is no head.</summary>
    public static bool Retitle(SqliteSession session, string id, string? title) =>
        session.Execute("UPDATE heads SET title = $title WHERE id = $id", ("$id", id), ("$title", title)) == 1;

    /// <summary>Hides a conversation and fences its writer.</summary>
    public static void Hide(SqliteSession session, long log, DateTimeOffset at) =>
        session.Execute(
            "UPDATE heads SET hidden_at = $at, epoch = epoch + 1, writer = '' WHERE log = $log",
            ("$log", log),
            ("$at", at.UtcTicks)
        );

    /// <summary>Deletes the head; the conversation's rows in other tables must be gone.</summary>
    public static void Delete(SqliteSession session, long log) => session.Execute("DELETE FROM heads WHERE log = $log", ("$log", log));

    /// <summary>A page of an owner's list.</summary>
    public static ConversationPage ListOwned(SqliteSession session, string owner, OwnedCursor? after, int take)
    {
        // One entry more than asked tells whether there is a next page.
        OwnedCursor from = after ?? new OwnedCursor(long.MaxValue, "");
        List<ConversationEntry> entries = session.All(
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

    /// <summary>Ids of running conversations.</summary>
    public static IReadOnlyList<string> ListRunning(SqliteSession session, string? after, int take) =>
        session.All(
            "SELECT id FROM heads WHERE running = 1 AND hidden_at IS NULL AND id > $after ORDER BY id LIMIT $take",
            row => row.GetString(0),
            ("$after", after ?? ""),
            ("$take", take)
        );

    /// <summary>Ids of conversations hidden at or before a time.</summary>
    public static IReadOnlyList<string> ListHidden(SqliteSession session, DateTimeOffset until, int take) =>
        session.All(
            "SELECT id FROM heads WHERE hidden_at IS NOT NULL AND hidden_at <= $until ORDER BY hidden_at, id LIMIT $take",
            row => row.GetString(0),
            ("$until", until.UtcTicks),
            ("$take", take)
        );

    /// <summary>All of the rows, hidden ones too, in the order of their numbers, after one of them.</summary>
    public static List<SqliteFullHead> ReadAll(SqliteSession session, long after, int take) =>
        session.All(
            $"SELECT {Columns}, title, last_append FROM heads WHERE log > $after ORDER BY log LIMIT $take",
            row => new SqliteFullHead(Read(row), OptionalText(row, 15), row.IsDBNull(16) ? [] : row.GetFieldValue<byte[]>(16)),
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
                RequiredVersion = row.GetInt32(14),
            }
        );

    private static DateTimeOffset Time(SqliteDataReader row, int column) => new(row.GetInt64(column), TimeSpan.Zero);

    private static string? OptionalText(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
