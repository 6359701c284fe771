using System.Globalization;
using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// Rows of token ids, <c>t-BRANCH-LAST</c>: a group keyed by the position of its last id, so that the first row at or after a position
/// contains it. Rows of branches, <c>b-BRANCH</c>: where a branch starts, and its parent. A branch sees its own ids from its start on, and
/// its parent's before. A cut rewrites nothing, so the parent's rows may reach beyond the child's start.
/// </summary>
internal static class AzureIdRows
{
    private const string Prefix = "t-";
    private const string BranchPrefix = "b-";
    private const string First = "First";
    private const string Ids = "Ids";
    private const string Start = "Start";
    private const string Parent = "Parent";

    /// <summary>
    /// The most ids in a row. Reading a tail of ids starts with a whole row: rows of this length waste little, keep the longest append far
    /// below a transaction's 100 rows, and fit one property whatever the ids are.
    /// </summary>
    public const int MaxIdsPerRow = 8192;

    /// <summary>The key of the row whose last id has a position.</summary>
    public static string Key(int branch, long last) => $"{Prefix}{TableKeys.Branch(branch)}-{TableKeys.Number(last)}";

    /// <summary>Rows of ids, the first at a position.</summary>
    public static IEnumerable<TableEntity> Of(string partition, int branch, long position, ReadOnlyMemory<int> ids)
    {
        for (int at = 0; at < ids.Length; at += MaxIdsPerRow)
        {
            int count = Math.Min(MaxIdsPerRow, ids.Length - at);
            yield return new TableEntity(partition, Key(branch, position + at + count - 1))
            {
                [First] = position + at,
                [Ids] = VarInts.Encode(ids.Span.Slice(at, count)),
            };
        }
    }

    /// <summary>The row of a branch.</summary>
    public static TableEntity OfBranch(string partition, int branch, BranchOrigin origin) =>
        new(partition, BranchPrefix + TableKeys.Branch(branch)) { [Start] = origin.Start, [Parent] = origin.Parent };

    /// <summary>
    /// The origin of the branch that follows a head's and starts at a position. Its parent is the nearest earlier branch that starts before
    /// it. The new branch sees nothing of those in between, so reading skips them, however often a turn is regenerated.
    /// </summary>
    public static async Task<BranchOrigin> NextBranchAsync(AzureTable table, AzureHead head, long start, CancellationToken cancellation)
    {
        int parent = head.Head.Branch;
        while (
            parent > 0
            && await FindBranchAsync(table, head, parent, cancellation).ConfigureAwait(false) is var earlier
            && earlier.Start >= start
        )
            parent = earlier.Parent;
        return new BranchOrigin(start, parent);
    }

    /// <summary>Of the ids at [from, to) as a branch sees them, those before its start; fewer if its stream is shorter.</summary>
    public static async Task<IEnumerable<int>> ReadBeforeAsync(
        AzureTable table,
        AzureHead head,
        int branch,
        long from,
        long to,
        CancellationToken cancellation
    )
    {
        // From its parent down to the branch that has the first position: each part precedes the one found before it.
        var parts = new Stack<List<int>>();
        (long start, int parent) = await FindBranchAsync(table, head, branch, cancellation).ConfigureAwait(false);
        while (from < (to = Math.Min(to, start)))
        {
            branch = parent;
            (start, parent) = await FindBranchAsync(table, head, branch, cancellation).ConfigureAwait(false);
            if (start < to)
                parts.Push(
                    await ReadOwnAsync(table, TableKeys.Escape(head.Head.Id), branch, Math.Max(from, start), to, cancellation)
                        .ConfigureAwait(false)
                );
        }

        return parts.SelectMany(part => part);
    }

    /// <summary>Of the ids at [from, to), those in a branch's own rows.</summary>
    public static async Task<List<int>> ReadOwnAsync(
        AzureTable table,
        string partition,
        int branch,
        long from,
        long to,
        CancellationToken cancellation
    )
    {
        var found = new List<int>();
        IAsyncEnumerable<TableEntity> rows = table.RangeAsync(
            partition,
            Key(branch, from),
            $"{Prefix}{TableKeys.Branch(branch)}-{TableKeys.After}",
            to - from,
            null,
            cancellation
        );
        await foreach (TableEntity? row in rows.ConfigureAwait(false))
        {
            long position = row.GetInt64(First)!.Value;
            if (position >= to)
                break;
            int[] ids = VarInts.Decode(row.GetBinary(Ids));
            int skip = (int)Math.Max(0, from - position);
            int end = (int)Math.Min(ids.Length, to - position);
            found.AddRange(ids.AsSpan(skip, end - skip));
        }

        return found;
    }

    /// <summary>All rows of ids, by branch and position.</summary>
    public static async IAsyncEnumerable<(int Branch, long Position, int[] Ids)> ReadAllAsync(
        AzureTable table,
        string partition,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await foreach (
            TableEntity? row in table
                .RangeAsync(partition, Prefix, Prefix + TableKeys.After, long.MaxValue, null, cancellation)
                .ConfigureAwait(false)
        )
            yield return (BranchOf(row.RowKey), row.GetInt64(First)!.Value, VarInts.Decode(row.GetBinary(Ids)));
    }

    /// <summary>All branches except branch 0, in order.</summary>
    public static async IAsyncEnumerable<(int Branch, BranchOrigin Origin)> ReadBranchesAsync(
        AzureTable table,
        string partition,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await foreach (
            TableEntity? row in table
                .RangeAsync(partition, BranchPrefix, BranchPrefix + TableKeys.After, long.MaxValue, null, cancellation)
                .ConfigureAwait(false)
        )
            yield return (BranchOf(row.RowKey), OriginOf(row));
    }

    private static int BranchOf(string key) => int.Parse(key.AsSpan(Prefix.Length, 10), NumberStyles.None, CultureInfo.InvariantCulture);

    private static BranchOrigin OriginOf(TableEntity row) => new(row.GetInt64(Start)!.Value, row.GetInt32(Parent)!.Value);

    private static async Task<BranchOrigin> FindBranchAsync(AzureTable table, AzureHead head, int branch, CancellationToken cancellation)
    {
        if (branch == 0)
            return new BranchOrigin(0, 0);
        if (branch == head.Head.Branch)
            return new BranchOrigin(head.BranchStart, head.BranchParent);
        TableEntity row =
            await table
                .FindAsync(TableKeys.Escape(head.Head.Id), BranchPrefix + TableKeys.Branch(branch), null, cancellation)
                .ConfigureAwait(false)
            ?? throw new InvalidDataException(
                $"The store has lost branch {branch} of conversation {head.Head.Id}; restore it from a copy."
            );
        return OriginOf(row);
    }
}

/// <summary>Where a branch starts, and the branch that has the ids before.</summary>
internal readonly record struct BranchOrigin(long Start, int Parent);
