using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>Reads and lists.</summary>
internal sealed partial class AzureConversationLog
{
    /// <inheritdoc/>
    public async Task<LogHead?> ReadHeadAsync(string id, CancellationToken cancellation = default) =>
        await FindHeadAsync(id, cancellation).ConfigureAwait(false) is { } stored ? Known(stored) : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LogEvent>> ReadEventsAsync(
        string id,
        long fromSeq,
        long toSeq,
        int maxRows,
        int maxTextBytes,
        CancellationToken cancellation = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        AzureHead head = await GetHeadAsync(id, cancellation).ConfigureAwait(false);
        return fromSeq > toSeq || fromSeq > head.Head.LastSeq
            ? []
            : await AzureEventRows
                .ReadAsync(log, TableKeys.Escape(id), fromSeq, toSeq, maxRows, maxTextBytes, cancellation)
                .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<int[]> ReadIdsAsync(string id, int branch, long from, long until, CancellationToken cancellation = default)
    {
        LogRules.CheckRange(from, until);
        // Usually all ids are the branch's own; finding them also proves that conversation and branch exist.
        List<int> own =
            from < until && branch >= 0
                ? await AzureIdRows.ReadOwnAsync(log, TableKeys.Escape(id), branch, from, until, cancellation).ConfigureAwait(false)
                : [];
        if (own.Count > 0 && own.Count == until - from)
            return [.. own];
        AzureHead head = await GetHeadAsync(id, cancellation).ConfigureAwait(false);
        LogRules.CheckBranch(head.Head, branch);
        return [.. await AzureIdRows.ReadBeforeAsync(log, head, branch, from, until, cancellation).ConfigureAwait(false), .. own];
    }

    /// <inheritdoc/>
    public async Task<MessageReceipt?> FindMessageAsync(string id, string messageHash, CancellationToken cancellation = default)
    {
        _ = await GetHeadAsync(id, cancellation).ConfigureAwait(false);
        return await AzureReceiptRows.FindAsync(log, TableKeys.Escape(id), messageHash, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ConversationPage> ListOwnedAsync(string owner, string? after, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        // The separator sorts before all characters of a key, so a key with it appended is the next possible key.
        string from =
            after is null ? ""
            : OwnedCursor.Parse(after) is var cursor ? HeadIndex.OwnedRow(cursor.ActiveAt, cursor.Id) + TableKeys.Separator
            : "";
        int wanted = (int)Math.Min(take + 1L, int.MaxValue); // One entry more than asked tells whether there is a next page.
        List<AzureHead> heads = await index
            .ListAsync(HeadIndex.OwnedBy(owner), from, TableKeys.After.ToString(), wanted, cancellation)
            .ConfigureAwait(false);
        List<ConversationEntry> entries =
        [
            .. heads
                .Take(take)
                .Select(stored => new ConversationEntry(stored.Head.Id, stored.Title, stored.Head.CreatedAt, stored.Head.ActiveAt)),
        ];
        return new ConversationPage(
            entries,
            heads.Count <= take ? null : new OwnedCursor(entries[^1].ActiveAt.UtcTicks, entries[^1].Id).ToString()
        );
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListRunningAsync(string? after, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        // Sorts after all entries of this id, and before those of longer ids that begin with it.
        string from = after is null ? "" : $"{TableKeys.Escape(after)}{TableKeys.Separator}{TableKeys.After}";
        return Ids(await index.ListAsync(HeadIndex.Running, from, AfterAll, take, cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListHiddenAsync(DateTimeOffset until, int take, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(take, 1);
        return Ids(
            await index
                .ListAsync(HeadIndex.Hidden, "", HeadIndex.HiddenRow(until) + TableKeys.After, take, cancellation)
                .ConfigureAwait(false)
        );
    }

    private static string AfterAll => new(TableKeys.After, 2);

    private static string[] Ids(IEnumerable<AzureHead> heads) => [.. heads.Select(stored => stored.Head.Id)];
}
