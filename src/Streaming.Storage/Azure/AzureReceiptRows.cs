using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>Rows of receipts, <c>m-HASH</c>: what a message was answered, keyed by the hash of its clientMessageId.</summary>
internal static class AzureReceiptRows
{
    private const string Prefix = "m-";
    private const string AfterPrefix = "m."; // Not the prefix and TableKeys.After: an escaped hash may begin with that character.
    private const string TextHash = "TextHash";
    private const string Turn = "Turn";
    private const string Seq = "Seq";

    /// <summary>The row of a receipt.</summary>
    public static TableEntity Of(string partition, MessageReceipt receipt) =>
        new(partition, Key(receipt.MessageHash))
        {
            [TextHash] = receipt.TextHash,
            [Turn] = receipt.Turn,
            [Seq] = receipt.Seq,
        };

    /// <summary>The receipt, or null.</summary>
    public static async Task<MessageReceipt?> FindAsync(
        AzureTable table,
        string partition,
        string messageHash,
        CancellationToken cancellation
    ) =>
        await table.FindAsync(partition, Key(messageHash), null, cancellation).ConfigureAwait(false) is { } row
            ? From(row, messageHash)
            : null;

    /// <summary>All receipts, each with its hash escaped as in the row key.</summary>
    public static async IAsyncEnumerable<MessageReceipt> ReadAllAsync(
        AzureTable table,
        string partition,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await foreach (
            TableEntity? row in table.RangeAsync(partition, Prefix, AfterPrefix, long.MaxValue, null, cancellation).ConfigureAwait(false)
        )
            yield return From(row, row.RowKey[Prefix.Length..]);
    }

    private static MessageReceipt From(TableEntity row, string messageHash) =>
        new(messageHash, row.GetString(TextHash), row.GetInt32(Turn)!.Value, row.GetInt64(Seq)!.Value);

    private static string Key(string messageHash) => Prefix + TableKeys.Escape(messageHash);
}
