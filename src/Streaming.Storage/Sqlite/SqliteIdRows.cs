using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// The tables <c>ids</c> and <c>branches</c>: token ids by (branch, position), one row per group. A branch sees its own ids from its start
/// on, and its parent's before. A cut rewrites nothing, so the parent's rows may reach beyond the child's start.
/// </summary>
internal static class SqliteIdRows
{
    /// <summary>Adds rows of ids, the first at a position.</summary>
    public static void Insert(SqliteSession session, long log, int branch, long position, IReadOnlyList<(byte[] Ids, int Count)> rows)
    {
        foreach ((byte[]? ids, int count) in rows)
        {
            session.Execute(
                "INSERT INTO ids (log, branch, position, ids) VALUES ($log, $branch, $position, $ids)",
                ("$log", log),
                ("$branch", branch),
                ("$position", position),
                ("$ids", ids)
            );
            position += count;
        }
    }

    /// <summary>
    /// Adds a branch that starts at a position. Its parent is the nearest earlier branch that starts before it. The new branch sees nothing
    /// of those in between, so reading skips them, however often a turn is regenerated.
    /// </summary>
    public static void InsertBranch(SqliteSession session, long log, int branch, long start)
    {
        int parent = branch - 1;
        while (parent > 0 && Find(session, log, parent) is var earlier && earlier.Start >= start)
            parent = earlier.Parent;
        session.Execute(
            "INSERT INTO branches (log, branch, start, parent) VALUES ($log, $branch, $start, $parent)",
            ("$log", log),
            ("$branch", branch),
            ("$start", start),
            ("$parent", parent)
        );
    }

    /// <summary>The ids at [from, to) as a branch sees them; fewer if its stream is shorter.</summary>
    public static int[] Read(SqliteSession session, long log, int branch, long from, long to)
    {
        // From the branch down to the one that has the first position: each part precedes the one found before it.
        var parts = new Stack<List<int>>();
        while (from < to)
        {
            (long start, int parent) = Find(session, log, branch);
            if (start < to)
                parts.Push(ReadOwn(session, log, branch, Math.Max(from, start), to));
            to = Math.Min(to, start);
            branch = parent;
        }

        return [.. parts.SelectMany(part => part)];
    }

    /// <summary>Rows of ids of all branches, by branch and position, after one of them.</summary>
    public static List<(int Branch, long Position, int[] Ids)> ReadAll(
        SqliteSession session,
        long log,
        int branch,
        long position,
        int take
    ) =>
        session.All(
            """
            SELECT branch, position, ids FROM ids WHERE log = $log AND (branch, position) > ($branch, $position)
            ORDER BY branch, position LIMIT $take
            """,
            row => (row.GetInt32(0), row.GetInt64(1), VarInts.Decode(row.GetFieldValue<byte[]>(2))),
            ("$log", log),
            ("$branch", branch),
            ("$position", position),
            ("$take", take)
        );

    /// <summary>All branches except branch 0, in order, after one of them.</summary>
    public static List<(int Branch, long Start, int Parent)> ReadBranches(SqliteSession session, long log, int after, int take) =>
        session.All(
            "SELECT branch, start, parent FROM branches WHERE log = $log AND branch > $after ORDER BY branch LIMIT $take",
            row => (row.GetInt32(0), row.GetInt64(1), row.GetInt32(2)),
            ("$log", log),
            ("$after", after),
            ("$take", take)
        );

    private static List<int> ReadOwn(SqliteSession session, long log, int branch, long from, long to)
    {
        var found = new List<int>();
        session.Each(
            """
            SELECT position, ids FROM ids WHERE log = $log AND branch = $branch AND position < $to AND position >=
                coalesce((SELECT max(position) FROM ids WHERE log = $log AND branch = $branch AND position <= $from), $from)
            ORDER BY position
            """,
            row =>
            {
                long position = row.GetInt64(0);
                int[] ids = VarInts.Decode(row.GetFieldValue<byte[]>(1));
                int skip = (int)Math.Min(ids.Length, Math.Max(0, from - position));
                int end = (int)Math.Min(ids.Length, to - position);
                found.AddRange(ids.AsSpan(skip, Math.Max(0, end - skip)));
                return true;
            },
            ("$log", log),
            ("$branch", branch),
            ("$from", from),
            ("$to", to)
        );
        return found;
    }

    private static Branch Find(SqliteSession session, long log, int branch) =>
        branch == 0
            ? Branch.First
            : session.First(
                "SELECT start, parent FROM branches WHERE log = $log AND branch = $branch",
                row => new Branch(row.GetInt64(0), row.GetInt32(1)),
                ("$log", log),
                ("$branch", branch)
            ) ?? throw new InvalidDataException($"The store has lost branch {branch} of a conversation; restore it from a copy.");

    /// <summary>Where a branch starts, and who has what is before.</summary>
    private sealed record Branch(long Start, int Parent)
    {
        /// <summary>Branch 0, from the stream's beginning.</summary>
        public static Branch First { get; } = new(0, 0);
    }
}
