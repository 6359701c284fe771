using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>An append, checked and encoded on its caller's thread, so that the writer's thread has only rows to insert.</summary>
/// <param name="Append">What is appended.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Digest">Its digest, by which its repetition is known.</param>
/// <param name="Lengths">Lengths of each event, as varints; null for none.</param>
/// <param name="Ids">Rows of ids, in order, as varints, each with the number of its ids.</param>
internal sealed record SqlitePreparedAppend(
    LogAppend Append,
    int Bytes,
    byte[] Digest,
    IReadOnlyList<byte[]?> Lengths,
    IReadOnlyList<(byte[] Ids, int Count)> Ids
)
{
    // A tail of ids is read from the row that it begins in: rows of this length waste little, and keep long inputs to few rows.
    private const int MaxIdsPerRow = 1024;

    /// <summary>Checks and encodes.</summary>
    /// <exception cref="ArgumentException">The append contradicts itself or is too large.</exception>
    public static SqlitePreparedAppend From(LogAppend append)
    {
        var bytes = AppendRules.Check(append);
        var lengths = new byte[]?[append.Events.Count];
        for (var i = 0; i < lengths.Length; i++)
            lengths[i] = append.Events[i].Lengths is { Count: > 0 } each ? VarInts.Encode([.. each]) : null;

        var rows = new List<(byte[], int)>();
        for (var rest = append.Ids.Span; !rest.IsEmpty; )
        {
            var count = Math.Min(rest.Length, MaxIdsPerRow);
            rows.Add((VarInts.Encode(rest[..count]), count));
            rest = rest[count..];
        }

        return new SqlitePreparedAppend(append, bytes, AppendDigest.Of(append), lengths, rows);
    }
}
