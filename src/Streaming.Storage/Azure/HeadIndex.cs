using Azure;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>The keys of an entry.</summary>
internal readonly record struct IndexKey(string Partition, string Row);

/// <summary>
/// The lists: an owner's conversations, running ones, hidden ones. Their table cannot be written in one transaction with the log's. Index
/// entries are added before the head is updated and removed after it, so no list misses a conversation. An entry that the head contradicts
/// is skipped, and removed once it is too old to belong to a write under way.
/// </summary>
internal sealed partial class HeadIndex(AzureTable index, AzureTable log, TimeProvider time, ILogger<HeadIndex> logger)
{
    /// <summary>The list of running conversations: <c>ID!SINCE</c>.</summary>
    public const string Running = "running";

    /// <summary>The list of hidden conversations: <c>TIME!ID</c>.</summary>
    public const string Hidden = "hidden";

    private const string Id = "Id";
    private const int HeadsAtOnce = 32;

    private static readonly TimeSpan LongestWrite = TimeSpan.FromHours(1);

    /// <summary>An owner's list, last active first: <c>REVERSETIME!ID</c>.</summary>
    public static string OwnedBy(string owner) => "owner" + TableKeys.Separator + TableKeys.Escape(owner);

    /// <summary>The row key of an owner's entry, from which the next page starts.</summary>
    public static string OwnedRow(long activeAt, string id) => TableKeys.LatestFirst(activeAt) + TableKeys.Separator + TableKeys.Escape(id);

    /// <summary>All entries of a head.</summary>
    public static IEnumerable<TableEntity> RowsOf(AzureHead head) => KeysOf(head).Select(key => RowOf(key, head));

    /// <summary>Adds the entries that the next head has and the current one has not.</summary>
    public Task AddAsync(AzureHead? before, AzureHead after, CancellationToken cancellation) =>
        Task.WhenAll(KeysOf(after).Except(KeysOf(before)).Select(key => index.UpsertAsync(RowOf(key, after), cancellation)));

    /// <summary>Removes the entries of an earlier head that the current one has not. If that fails, lists remove them later.</summary>
    public async Task RemoveAsync(AzureHead before, AzureHead? after)
    {
        try
        {
            await Task.WhenAll(
                    KeysOf(before)
                        .Except(KeysOf(after))
                        .Select(key => index.RemoveAsync(key.Partition, key.Row, ETag.All, CancellationToken.None))
                )
                .ConfigureAwait(false);
        }
        catch (LogUnavailableException e)
        {
            LogLeftOver(before.Head.Id, e);
        }
    }

    /// <summary>The heads of a list's entries with keys in [after, until), in order, at most <paramref name="take"/>.</summary>
    public async Task<List<AzureHead>> ListAsync(string partition, string after, string until, int take, CancellationToken cancellation)
    {
        var found = new List<AzureHead>();
        string? next = null;
        do
        {
            Page<TableEntity> page = await index
                .PageAsync(partition, after, until, take - found.Count, null, next, cancellation)
                .ConfigureAwait(false);
            foreach (TableEntity[] entries in page.Values.Chunk(HeadsAtOnce))
            {
                AzureHead?[] heads = await Task.WhenAll(entries.Select(entry => ResolveAsync(entry, cancellation))).ConfigureAwait(false);
                found.AddRange(heads.OfType<AzureHead>().Take(take - found.Count));
            }

            next = page.ContinuationToken;
        } while (next is not null && found.Count < take);
        return found;
    }

    /// <summary>The head of an entry; null if the head contradicts the entry.</summary>
    private async Task<AzureHead?> ResolveAsync(TableEntity entry, CancellationToken cancellation)
    {
        TableEntity? row = await log.FindAsync(TableKeys.Escape(entry.GetString(Id)), AzureHead.RowKey, AzureHead.ListColumns, cancellation)
            .ConfigureAwait(false);
        AzureHead? head = row is null ? null : AzureHead.From(row);
        if (KeysOf(head).Contains(new IndexKey(entry.PartitionKey, entry.RowKey)))
            return head;
        if (entry.Timestamp < time.GetUtcNow() - LongestWrite)
            await index.RemoveAsync(entry.PartitionKey, entry.RowKey, entry.ETag, cancellation).ConfigureAwait(false);
        return null;
    }

    private static TableEntity RowOf(IndexKey key, AzureHead head) => new(key.Partition, key.Row) { [Id] = head.Head.Id };

    private static IEnumerable<IndexKey> KeysOf(AzureHead? stored)
    {
        if (stored is null)
            yield break;
        LogHead head = stored.Head;
        if (head.HiddenAt is { } hidden)
        {
            yield return new IndexKey(Hidden, HiddenRow(hidden) + TableKeys.Separator + TableKeys.Escape(head.Id));
            yield break;
        }

        yield return new IndexKey(OwnedBy(head.Owner), OwnedRow(head.ActiveAt.UtcTicks, head.Id));
        if (stored.RunningSince.Length > 0)
            yield return new IndexKey(Running, TableKeys.Escape(head.Id) + TableKeys.Separator + stored.RunningSince);
    }

    /// <summary>The prefix of the row keys of conversations hidden at a time.</summary>
    public static string HiddenRow(DateTimeOffset at) => TableKeys.Number(at.UtcTicks);

    [LoggerMessage(
        LogLevel.Information,
        "Stale list entries of conversation {ConversationId} could not be removed; lists skip them and remove them later."
    )]
    private partial void LogLeftOver(string conversationId, Exception exception);
}
