using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>Rows of receipts, <c>m-HASH</c>: what a message answered, by the hash of its clientMessageId.</summary>
internal static class ReceiptRows
{
    private const string TextHash = "TextHash";
    private const string Turn = "Turn";
    private const string Seq = "Seq";

    /// <summary>The row of a receipt.</summary>
    public static TableEntity Of(string partition, MessageReceipt receipt) => new(partition, Key(receipt.MessageHash))
    {
        [TextHash] = receipt.TextHash,
        [Turn] = receipt.Turn,
        [Seq] = receipt.Seq,
    };

    /// <summary>The receipt, or null.</summary>
    public static async Task<MessageReceipt?> FindAsync(LogTable table, string partition, string messageHash, CancellationToken cancellation) =>
        await table.FindAsync(partition, Key(messageHash), null, cancellation).ConfigureAwait(false) is { } row
            ? new MessageReceipt(messageHash, row.GetString(TextHash), row.GetInt32(Turn)!.Value, row.GetInt64(Seq)!.Value)
            : null;

    private static string Key(string messageHash) => "m-" + TableKeys.Escape(messageHash);
}
