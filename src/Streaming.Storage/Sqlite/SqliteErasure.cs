using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// Erases a hidden conversation in transactions of bounded size: events, ids, branches, receipts, and last the head, by which an
/// interrupted erasure is found and continued.
/// </summary>
internal static class SqliteErasure
{
    /// <summary>Bytes of text after which a step ends; a single event may have more.</summary>
    public const int MaxBytesPerStep = 4 << 20;

    private const int MaxRowsPerStep = 500;

    /// <summary>Runs one step. True when nothing is left.</summary>
    /// <exception cref="InvalidOperationException">The conversation is not hidden.</exception>
    public static bool Step(SqliteSession session, string id)
    {
        if (SqliteHeadRows.Find(session, id) is not { } stored)
            return true;
        if (stored.Head.HiddenAt is null)
            throw new InvalidOperationException($"Conversation {id} is not hidden; hide it before it is erased.");
        LogVersionException.ThrowIfNewer(stored.Head);

        long log = stored.Log;
        int rows = MaxRowsPerStep;
        if (
            !DeleteEvents(session, log, ref rows)
            || !DeleteRows(
                session,
                """
                DELETE FROM ids WHERE log = $log AND (branch, position) IN
                    (SELECT branch, position FROM ids WHERE log = $log LIMIT $rows)
                """,
                log,
                ref rows
            )
            || !DeleteRows(
                session,
                "DELETE FROM branches WHERE log = $log AND branch IN (SELECT branch FROM branches WHERE log = $log LIMIT $rows)",
                log,
                ref rows
            )
            || !DeleteRows(
                session,
                """
                DELETE FROM receipts WHERE log = $log AND message_hash IN
                    (SELECT message_hash FROM receipts WHERE log = $log LIMIT $rows)
                """,
                log,
                ref rows
            )
        )
            return false;
        SqliteHeadRows.Delete(session, log);
        return true;
    }

    /// <summary>Deletes the first events, as many as the step's limits allow. True when none is left.</summary>
    private static bool DeleteEvents(SqliteSession session, long log, ref int rows)
    {
        long bytes = 0;
        long upTo = 0L;
        session.Each(
            "SELECT last_seq, octet_length(text) FROM events WHERE log = $log ORDER BY last_seq LIMIT $rows",
            row =>
            {
                upTo = row.GetInt64(0);
                bytes += row.GetInt64(1);
                return bytes < MaxBytesPerStep;
            },
            ("$log", log),
            ("$rows", rows)
        );
        if (upTo == 0)
            return true;
        rows -= session.Execute("DELETE FROM events WHERE log = $log AND last_seq <= $up_to", ("$log", log), ("$up_to", upTo));
        return rows > 0 && bytes < MaxBytesPerStep;
    }

    /// <summary>Deletes as many rows as the step's limit still allows. True when none is left.</summary>
    private static bool DeleteRows(SqliteSession session, string delete, long log, ref int rows)
    {
        rows -= session.Execute(delete, ("$log", log), ("$rows", rows));
        return rows > 0;
    }
}
