using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>The table <c>receipts</c>: what a message was answered, keyed by the hash of its clientMessageId.</summary>
internal static class SqliteReceiptRows
{
    /// <summary>Adds a receipt.</summary>
    /// <exception cref="ArgumentException">The message has a receipt.</exception>
    public static void Insert(SqliteSession session, long log, MessageReceipt receipt)
    {
        int added = session.Execute(
            """
            INSERT INTO receipts (log, message_hash, text_hash, turn, seq) VALUES ($log, $message, $text, $turn, $seq)
            ON CONFLICT (log, message_hash) DO NOTHING
            """,
            ("$log", log),
            ("$message", receipt.MessageHash),
            ("$text", receipt.TextHash),
            ("$turn", receipt.Turn),
            ("$seq", receipt.Seq)
        );
        if (added == 0)
            throw LogRules.SecondReceipt();
    }

    /// <summary>The receipt, or null.</summary>
    public static MessageReceipt? Find(SqliteSession session, long log, string messageHash) =>
        session.First(
            "SELECT text_hash, turn, seq FROM receipts WHERE log = $log AND message_hash = $message",
            row => new MessageReceipt(messageHash, row.GetString(0), row.GetInt32(1), row.GetInt64(2)),
            ("$log", log),
            ("$message", messageHash)
        );

    /// <summary>All receipts, by hash, after one of them.</summary>
    public static List<MessageReceipt> ReadAll(SqliteSession session, long log, string after, int take) =>
        session.All(
            """
            SELECT message_hash, text_hash, turn, seq FROM receipts WHERE log = $log AND message_hash > $after
            ORDER BY message_hash LIMIT $take
            """,
            row => new MessageReceipt(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt64(3)),
            ("$log", log),
            ("$after", after),
            ("$take", take)
        );
}
