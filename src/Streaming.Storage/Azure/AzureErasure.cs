using Azure;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// Erases the rows of a hidden conversation, one transaction at a time, and last the head, by which an interrupted erasure is found and
/// continued.
/// </summary>
internal static class AzureErasure
{
    private static readonly string[] s_keys = ["PartitionKey", "RowKey"];

    // Two processes may erase at once. When one finds rows gone, the other has made progress.
    private const int MaxRefusals = 100;

    /// <summary>Erases the partition.</summary>
    public static async Task RunAsync(AzureTable log, string partition, CancellationToken cancellation)
    {
        for (int refusals = 0; refusals < MaxRefusals; )
        {
            List<TableEntity> rows = await ReadAsync(log, partition, cancellation).ConfigureAwait(false);
            if (rows.Count == 0)
                return;
            if (rows.Count > 1)
                rows.RemoveAll(row => row.RowKey == AzureHead.RowKey);
            IEnumerable<TableTransactionAction> writes = rows.Take(AzureTable.MaxRows)
                .Select(row => new TableTransactionAction(TableTransactionActionType.Delete, row, ETag.All));
            if (await log.TryCommitAsync([.. writes], cancellation).ConfigureAwait(false) is null)
                refusals++;
        }

        throw new LogUnavailableException(
            $"Other processes erased rows of conversation {partition} first, {MaxRefusals} times; try again.",
            new TimeoutException()
        );
    }

    /// <summary>The keys of as many rows as fit a transaction, and one more, since the head may be among them.</summary>
    private static async Task<List<TableEntity>> ReadAsync(AzureTable log, string partition, CancellationToken cancellation)
    {
        const int wanted = AzureTable.MaxRows + 1;
        var rows = new List<TableEntity>();
        await foreach (TableEntity? row in log.RangeAsync(partition, "", AfterAll, wanted, s_keys, cancellation).ConfigureAwait(false))
        {
            rows.Add(row);
            if (rows.Count == wanted)
                break;
        }

        return rows;
    }

    private static string AfterAll => new(TableKeys.After, 2);
}
