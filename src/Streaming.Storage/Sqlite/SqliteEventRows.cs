using Microsoft.Data.Sqlite;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// The table <c>events</c>: one row per event, keyed by its last number, so that the first row at or after a number contains it.
/// </summary>
internal static class SqliteEventRows
{
    /// <summary>Adds events.</summary>
    /// <param name="session">The writer's session.</param>
    /// <param name="log">The conversation's number.</param>
    /// <param name="events">The events.</param>
    /// <param name="lengths">The lengths of each event as varints; null for none.</param>
    public static void Insert(SqliteSession session, long log, IReadOnlyList<LogEvent> events, IReadOnlyList<byte[]?> lengths)
    {
        for (int i = 0; i < events.Count; i++)
        {
            LogEvent e = events[i];
            session.Execute(
                """
                INSERT INTO events (log, last_seq, first_seq, kind, turn, author, text, text_offset, lengths, at, detail)
                VALUES ($log, $last, $first, $kind, $turn, $author, $text, $text_offset, $lengths, $at, $detail)
                """,
                ("$log", log),
                ("$last", e.Last),
                ("$first", e.First),
                ("$kind", e.Kind),
                ("$turn", e.Turn),
                ("$author", e.Author),
                ("$text", e.Text),
                ("$text_offset", e.TextOffset),
                ("$lengths", lengths[i]),
                ("$at", e.At.UtcTicks),
                ("$detail", e.Detail)
            );
        }
    }

    /// <summary>Events from the one that contains <paramref name="fromSeq"/> upwards, within the limits, but at least one.</summary>
    public static IReadOnlyList<LogEvent> Read(SqliteSession session, long log, long fromSeq, long toSeq, int maxRows, int maxTextBytes)
    {
        var events = new List<LogEvent>();
        long bytes = 0;
        session.Each(
            """
            SELECT octet_length(text), first_seq, last_seq, kind, turn, author, text, text_offset, lengths, at, detail FROM events
            WHERE log = $log AND last_seq >= $from ORDER BY last_seq LIMIT $rows
            """,
            row =>
            {
                bytes += row.GetInt64(0);
                if (row.GetInt64(1) > toSeq || (events.Count > 0 && bytes > maxTextBytes))
                    return false;
                events.Add(Read(row));
                return true;
            },
            ("$log", log),
            ("$from", fromSeq),
            ("$rows", maxRows)
        );
        return events;
    }

    private static LogEvent Read(SqliteDataReader row) =>
        new()
        {
            First = row.GetInt64(1),
            Last = row.GetInt64(2),
            Kind = row.GetString(3),
            Turn = row.GetInt32(4),
            Author = row.IsDBNull(5) ? null : row.GetString(5),
            Text = row.GetString(6),
            TextOffset = row.GetInt64(7),
            Lengths = row.IsDBNull(8) ? [] : VarInts.Decode(row.GetFieldValue<byte[]>(8)),
            At = new DateTimeOffset(row.GetInt64(9), TimeSpan.Zero),
            Detail = row.IsDBNull(10) ? null : row.GetString(10),
        };
}
