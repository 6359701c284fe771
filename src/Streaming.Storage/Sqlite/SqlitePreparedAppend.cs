using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>An append, checked and encoded on the caller's thread, so that the writer's thread only inserts rows.</summary>
/// <param name="Append">What is appended.</param>
/// <param name="Bytes">Its size in bytes.</param>
/// <param name="Digest">Its digest, by which a repetition is recognised.</param>
/// <param name="Lengths">The lengths of each event as varints; null for none.</param>
/// <param name="Ids">Rows of ids as varints, in order, each with its number of ids.</param>
internal sealed record SqlitePreparedAppend(
    LogAppend Append,
    int Bytes,
    byte[] Digest,
    IReadOnlyList<byte[]?> Lengths,
    IReadOnlyList<(byte[] Ids, int Count)> Ids
)
{
    // Reading a tail of ids starts with a whole row: rows of this length waste little, and long inputs take few of them.
    private const int MaxIdsPerRow = 1024;

    /// <summary>Checks and encodes.</summary>
    /// <exception cref="ArgumentException">The append contradicts itself or is too large.</exception>
    public static SqlitePreparedAppend From(LogAppend append)
    {
        int bytes = LogRules.Check(append);
        byte[]?[] lengths = new byte[]?[append.Events.Count];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = append.Events[i].Lengths is { Count: > 0 } each ? VarInts.Encode([.. each]) : null;

        var rows = new List<(byte[], int)>();
        for (ReadOnlySpan<int> rest = append.Ids.Span; !rest.IsEmpty; )
        {
            int count = Math.Min(rest.Length, MaxIdsPerRow);
            rows.Add((VarInts.Encode(rest[..count]), count));
            rest = rest[count..];
        }

        return new SqlitePreparedAppend(append, bytes, AppendDigest.Of(append), lengths, rows);
    }
}
