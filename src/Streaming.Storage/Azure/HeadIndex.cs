using Azure;
using Azure.Data.Tables;
using Microsoft.Extensions.Logging;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>Where a list has an entry.</summary>
internal readonly record struct IndexKey(string Partition, string Row);

/// <summary>
/// The lists: an owner's, what runs, what is hidden. Their table cannot be written together with the log's, so an entry is
/// written before the head that it is for, and removed after the head that it was for: nothing is ever missing. What is too much
/// (the head says otherwise) is passed over when it is met, and removed once it is too old to be of a write under way.
/// </summary>
internal sealed partial class HeadIndex(AzureTable index, AzureTable log, TimeProvider time, ILogger<HeadIndex> logger)
{
    /// <summary>The list of what runs: <c>ID!SINCE</c>.</summary>
    public const string Running = "running";

    /// <summary>The list of what is hidden: <c>TIME!ID</c>.</summary>
    public const string Hidden = "hidden";

    private const string Id = "Id";
    private const int HeadsAtOnce = 32;

    private static readonly TimeSpan LongestWrite = TimeSpan.FromHours(1);

    /// <summary>An owner's list, last active first: <c>REVERSETIME!ID</c>.</summary>
    public static string OwnedBy(string owner) => "owner" + TableKeys.Separator + TableKeys.Escape(owner);

    /// <summary>The key of an owner's entry, by which pages go on.</summary>
    public static string OwnedRow(long activeAt, string id) => TableKeys.LatestFirst(activeAt) + TableKeys.Separator + TableKeys.Escape(id);

    /// <summary>All entries of a head.</summary>
    public static IEnumerable<TableEntity> RowsOf(AzureHead head) => KeysOf(head).Select(key => RowOf(key, head));

    /// <summary>Writes the entries that a head will have and has not.</summary>
    public Task AddAsync(AzureHead? before, AzureHead after, CancellationToken cancellation) =>
        Task.WhenAll(KeysOf(after).Except(KeysOf(before)).Select(key => index.UpsertAsync(RowOf(key, after), cancellation)));

    /// <summary>Removes the entries that a head had and has no more. What the store does not take now, a list drops later.</summary>
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

    /// <summary>Heads that a list has after a place and before another, in its order, at most so many.</summary>
    public async Task<List<AzureHead>> ListAsync(string partition, string after, string until, int take, CancellationToken cancellation)
    {
        var found = new List<AzureHead>();
        string? next = null;
        do
        {
            var page = await index.PageAsync(partition, after, until, take - found.Count, null, next, cancellation).ConfigureAwait(false);
            foreach (var entries in page.Values.Chunk(HeadsAtOnce))
            {
                var heads = await Task.WhenAll(entries.Select(entry => ResolveAsync(entry, cancellation))).ConfigureAwait(false);
                found.AddRange(heads.OfType<AzureHead>().Take(take - found.Count));
            }

            next = page.ContinuationToken;
        } while (next is not null && found.Count < take);
        return found;
    }

    /// <summary>The head that an entry is for; null when it says otherwise.</summary>
    private async Task<AzureHead?> ResolveAsync(TableEntity entry, CancellationToken cancellation)
    {
        var row = await log.FindAsync(TableKeys.Escape(entry.GetString(Id)), AzureHead.RowKey, AzureHead.ListColumns, cancellation)
            .ConfigureAwait(false);
        var head = row is null ? null : AzureHead.From(row);
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
        var head = stored.Head;
        if (head.HiddenAt is { } hidden)
        {
            yield return new IndexKey(Hidden, HiddenRow(hidden) + TableKeys.Separator + TableKeys.Escape(head.Id));
            yield break;
        }

        yield return new IndexKey(OwnedBy(head.Owner), OwnedRow(head.ActiveAt.UtcTicks, head.Id));
        if (stored.RunningSince.Length > 0)
            yield return new IndexKey(Running, TableKeys.Escape(head.Id) + TableKeys.Separator + stored.RunningSince);
    }

    /// <summary>The beginning of the keys of what was hidden at a time.</summary>
    public static string HiddenRow(DateTimeOffset at) => TableKeys.Number(at.UtcTicks);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Entries of conversation {ConversationId} that are out of date were left in the lists' table; they are passed over, and removed later"
    )]
    private partial void LogLeftOver(string conversationId, Exception exception);
}
