using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>
/// How a slot's part of a layer is taken apart for a snapshot. Places that lie interleaved in memory (see
/// <see cref="IntegerCache"/>) go together.
/// </summary>
/// <param name="KeyValueHeads">Heads of each part.</param>
/// <param name="PlacesTogether">How many places make a row.</param>
/// <param name="Parts">Keys, values, and their scales if they have any: the numbers' type, and how many a row has.</param>
internal sealed record CacheParts(int KeyValueHeads, int PlacesTogether, IReadOnlyList<(torch.ScalarType Type, long Width)> Parts)
{
    /// <summary>The rows that hold places in use, ascending.</summary>
    /// <param name="ids">The ids of the places; negative where none is.</param>
    public long[] RowsOf(ReadOnlySpan<int> ids)
    {
        var rows = new List<long>(ids.Length);
        for (int place = 0; place < ids.Length; place++)
        {
            long row = place / PlacesTogether;
            if (ids[place] >= 0 && (rows.Count == 0 || rows[^1] != row))
                rows.Add(row);
        }
        return [.. rows];
    }
}
