using Azure.Data.Tables;
using Streaming.Contracts;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;

namespace Streaming.Storage.Migration;

/// <summary>
/// Copies one conversation: first its rows, which are invisible without a head and are read back and compared; then its list entries; last
/// the head, which keeps the digest of what was copied. After an interruption the same rows are written again.
/// </summary>
internal sealed class ConversationMigration(MigrationSource source, MigrationTarget target, SqliteFullHead whole)
{
    private const int EventsPerPage = 1024;
    private const int TextPerPage = 1 << 20;

    // Well below Azure's limit, so that a slow connection sends one within the client's time limit.
    private const int BytesPerTransaction = 1 << 20;

    private readonly LogHead _head = whole.Stored.Head;
    private readonly long _log = whole.Stored.Log;
    private readonly string _partition = TableKeys.Escape(whole.Stored.Head.Id);
    private readonly List<TableTransactionAction> _waiting = [];
    private int _waitingBytes;

    /// <summary>Copies the conversation if the target does not have it. Returns its counts and digest.</summary>
    /// <exception cref="StoreMigrationException">
    /// The target has another conversation of this id, cannot hold this one, or returned other rows than were written.
    /// </exception>
    public async Task<ContentSummary> RunAsync(CancellationToken cancellation)
    {
        if (await target.FindHeadAsync(_head.Id, cancellation).ConfigureAwait(false) is { } there)
        {
            ContentSummary expected = await ReadAsync(row: null, cancellation).ConfigureAwait(false);
            return there.Creation == CreationOf(expected) ? expected : throw target.Conflict(_head.Id);
        }

        if (_head.RequiredVersion > StoreVersion.Current)
            throw new StoreMigrationException(
                $"Conversation {_head.Id} requires store version {_head.RequiredVersion}, and this program has version "
                    + $"{StoreVersion.Current}: run a newer one, which continues from here."
            );
        if (System.Text.Encoding.UTF8.GetByteCount(_head.State) > AzureHead.MaxStateBytes)
            throw new StoreMigrationException(
                $"Conversation {_head.Id} has a state of more than {AzureHead.MaxStateBytes} bytes, which Azure Storage does not take: "
                    + "delete the conversation, and move the store again."
            );
        ContentSummary sum = await ReadAsync(row => WriteAsync(row, cancellation), cancellation).ConfigureAwait(false);
        await FlushAsync(cancellation).ConfigureAwait(false);
        ContentSummary written = await ReadBackAsync(cancellation).ConfigureAwait(false);
        if (written != sum)
        {
            throw new StoreMigrationException(
                $"Conversation {_head.Id} is not in {target.Name} what it is here ({written.Events} events and {written.Ids} ids, not "
                    + $"{sum.Events} and {sum.Ids}): delete the target's tables and containers, and move the store again."
            );
        }

        await PublishAsync(sum, cancellation).ConfigureAwait(false);
        return sum;
    }

    /// <summary>Reads the conversation from the source, and passes on its rows in the target's form.</summary>
    private async Task<ContentSummary> ReadAsync(Func<TableEntity, Task>? row, CancellationToken cancellation)
    {
        using var digest = new ContentDigest();
        async Task WriteAllAsync(IEnumerable<TableEntity> rows)
        {
            foreach (TableEntity each in row is null ? [] : rows)
                await row!(each).ConfigureAwait(false);
        }

        await foreach (IReadOnlyList<LogEvent> page in source.ReadEventsAsync(_log, cancellation).ConfigureAwait(false))
        {
            digest.Add(page);
            await WriteAllAsync(AzureEventRows.Of(_partition, page)).ConfigureAwait(false);
        }

        await foreach (
            IReadOnlyList<(int Branch, long Start, int Parent)> page in source.ReadBranchesAsync(_log, cancellation).ConfigureAwait(false)
        )
        {
            foreach ((int branch, long start, int parent) in page)
                digest.AddBranch(branch, start, parent);
            await WriteAllAsync(page.Select(b => AzureIdRows.OfBranch(_partition, b.Branch, new BranchOrigin(b.Start, b.Parent))))
                .ConfigureAwait(false);
        }

        await foreach (
            IReadOnlyList<(int Branch, long Position, int[] Ids)> page in source.ReadIdsAsync(_log, cancellation).ConfigureAwait(false)
        )
        {
            foreach ((int branch, long position, int[]? ids) in page)
                digest.AddIds(branch, position, ids);
            await WriteAllAsync(Joined(page).SelectMany(run => AzureIdRows.Of(_partition, run.Branch, run.Position, run.Ids)))
                .ConfigureAwait(false);
        }

        await foreach (IReadOnlyList<MessageReceipt> page in source.ReadReceiptsAsync(_log, cancellation).ConfigureAwait(false))
        {
            foreach (MessageReceipt receipt in page)
                digest.Add(receipt with { MessageHash = TableKeys.Escape(receipt.MessageHash) });
            await WriteAllAsync(page.Select(receipt => AzureReceiptRows.Of(_partition, receipt))).ConfigureAwait(false);
        }

        return digest.Finish();
    }

    /// <summary>Joins consecutive rows of ids: those of a reply have some sixteen ids each.</summary>
    private static IEnumerable<(int Branch, long Position, int[] Ids)> Joined(IEnumerable<(int Branch, long Position, int[] Ids)> rows)
    {
        var run = new List<int>();
        (int branch, long position) = (0, 0L);
        foreach ((int Branch, long Position, int[] Ids) row in rows)
        {
            if (run.Count > 0 && (row.Branch != branch || row.Position != position + run.Count))
            {
                yield return (branch, position, [.. run]);
                run.Clear();
            }

            if (run.Count == 0)
                (branch, position) = (row.Branch, row.Position);
            run.AddRange(row.Ids);
        }

        if (run.Count > 0)
            yield return (branch, position, [.. run]);
    }

    private async Task WriteAsync(TableEntity row, CancellationToken cancellation)
    {
        int bytes = AzureTable.SizeOf(row);
        if (_waiting.Count == AzureTable.MaxRows || _waitingBytes + bytes > BytesPerTransaction)
            await FlushAsync(cancellation).ConfigureAwait(false);
        _waiting.Add(new TableTransactionAction(TableTransactionActionType.UpsertReplace, row));
        _waitingBytes += bytes;
    }

    private async Task FlushAsync(CancellationToken cancellation)
    {
        if (_waiting.Count == 0)
            return;
        await target.Log.TryCommitAsync(_waiting, cancellation).ConfigureAwait(false); // Unconditional, so it is never refused.
        _waiting.Clear();
        _waitingBytes = 0;
    }

    private async Task<ContentSummary> ReadBackAsync(CancellationToken cancellation)
    {
        using var digest = new ContentDigest();
        IReadOnlyList<LogEvent> page;
        for (
            long from = 1;
            (
                page = await AzureEventRows
                    .ReadAsync(target.Log, _partition, from, long.MaxValue, EventsPerPage, TextPerPage, cancellation)
                    .ConfigureAwait(false)
            ).Count > 0;
            from = page[^1].Last + 1
        )
            digest.Add(page);
        await foreach (
            (int branch, BranchOrigin origin) in AzureIdRows.ReadBranchesAsync(target.Log, _partition, cancellation).ConfigureAwait(false)
        )
            digest.AddBranch(branch, origin.Start, origin.Parent);
        await foreach (
            (int branch, long position, int[]? ids) in AzureIdRows.ReadAllAsync(target.Log, _partition, cancellation).ConfigureAwait(false)
        )
            digest.AddIds(branch, position, ids);
        await foreach (MessageReceipt receipt in AzureReceiptRows.ReadAllAsync(target.Log, _partition, cancellation).ConfigureAwait(false))
            digest.Add(receipt);
        return digest.Finish();
    }

    private async Task PublishAsync(ContentSummary sum, CancellationToken cancellation)
    {
        (int Branch, long Start, int Parent) present = default;
        await foreach (
            IReadOnlyList<(int Branch, long Start, int Parent)> page in source.ReadBranchesAsync(_log, cancellation).ConfigureAwait(false)
        )
            present = page[^1];
        var moved = new AzureHead
        {
            Head = _head,
            Title = whole.Title,
            Creation = CreationOf(sum),
            RunningSince = _head.Running ? Convert.ToHexString(whole.LastAppend.AsSpan(0, 8)) : "",
            BranchStart = present.Start,
            BranchParent = present.Parent,
            LastAppend = whole.LastAppend,
        };
        await target.Index.AddAsync(null, moved, cancellation).ConfigureAwait(false);
        var create = new TableTransactionAction(TableTransactionActionType.Add, moved.ToNewRow());
        if (
            await target.Log.TryCommitAsync([create], cancellation).ConfigureAwait(false) is null
            && (await target.FindHeadAsync(_head.Id, cancellation).ConfigureAwait(false))?.Creation != moved.Creation
        )
            throw target.Conflict(_head.Id);
    }

    /// <summary>Tells a later run that this conversation was copied from here, even if it was continued since.</summary>
    private static string CreationOf(ContentSummary sum) => $"moved {sum.Digest}";
}
