using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>An append, checked, with those of its rows that do not depend on the head.</summary>
/// <param name="Append">What is appended.</param>
/// <param name="Digest">Its digest, by which a repetition is recognised.</param>
/// <param name="Rows">The rows of its events and its receipt.</param>
internal sealed record AzurePreparedAppend(LogAppend Append, byte[] Digest, IReadOnlyList<TableEntity> Rows)
{
    /// <summary>Checks and encodes.</summary>
    /// <exception cref="ArgumentException">The append contradicts itself or is too large.</exception>
    public static AzurePreparedAppend From(string id, LogAppend append)
    {
        _ = LogRules.Check(append);
        int state = System.Text.Encoding.UTF8.GetByteCount(append.State);
        if (state > AzureHead.MaxStateBytes)
            throw new ArgumentException(
                $"An append to the log is wrong: its state has {state} bytes, and a head holds at most {AzureHead.MaxStateBytes}."
            );
        string partition = TableKeys.Escape(id);
        List<TableEntity> rows = [.. AzureEventRows.Of(partition, append.Events)];
        if (append.Receipt is { } receipt)
            rows.Add(AzureReceiptRows.Of(partition, receipt));
        return new AzurePreparedAppend(append, AppendDigest.Of(append), rows);
    }

    /// <summary>Whether this append follows a head.</summary>
    public bool Follows(LogHead head) =>
        Append.Epoch == head.Epoch && Append.ExpectedLastSeq == head.LastSeq && (Append.ExpectedPosition ?? head.Position) == head.Position;

    /// <summary>Whether this append made a head.</summary>
    public bool Made(AzureHead stored) => Append.Epoch == stored.Head.Epoch && Digest.AsSpan().SequenceEqual(stored.LastAppend);

    /// <summary>The writes of the transaction. The head comes first, on condition that it is the version that was read.</summary>
    /// <exception cref="ArgumentException">The append does not fit a transaction.</exception>
    public IReadOnlyList<TableTransactionAction> Writes(AzureHead before, AzureHead after)
    {
        LogAppend append = Append;
        TableEntity head = after.ToRow();
        List<TableTransactionAction> writes = [new(TableTransactionActionType.UpdateMerge, head, before.ETag)];
        void Add(TableEntity row) => writes.Add(new TableTransactionAction(TableTransactionActionType.Add, row));
        foreach (TableEntity row in Rows)
            Add(row);
        if (append.CutTo is not null)
            Add(AzureIdRows.OfBranch(head.PartitionKey, after.Head.Branch, new BranchOrigin(after.BranchStart, after.BranchParent)));
        foreach (TableEntity row in AzureIdRows.Of(head.PartitionKey, after.Head.Branch, append.CutTo ?? before.Head.Position, append.Ids))
            Add(row);

        int bytes = writes.Sum(write => AzureTable.SizeOf((TableEntity)write.Entity));
        return writes.Count <= AzureTable.MaxRows && bytes <= AzureTable.MaxBytes
            ? writes
            : throw new ArgumentException(
                $"An append to the log is wrong: it takes {writes.Count} rows and {bytes} bytes in the store, and at most "
                    + $"{AzureTable.MaxRows} and {AzureTable.MaxBytes} fit; split it."
            );
    }
}
