using TorchSharp;

namespace Streaming.Inference.Caching;

/// <summary>
/// How a snapshot divides a slot's part of a layer. Places that are interleaved in memory (see <see cref="IntegerCache"/>) form one
/// row.
/// </summary>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="PlacesPerRow">Places that form a row.</param>
/// <param name="Parts">Keys, values and their scales, if any: type and width of a row.</param>
internal sealed record CacheParts(int KeyValueHeads, int PlacesPerRow, IReadOnlyList<(torch.ScalarType Type, long Width)> Parts)
{
    /// <summary>The rows that hold places in use, ascending.</summary>
    /// <param name="ids">The ids of the places; negative for an empty place.</param>
    public long[] RowsOf(ReadOnlySpan<int> ids)
    {
        var rows = new List<long>(ids.Length);
        for (int place = 0; place < ids.Length; place++)
        {
            long row = place / PlacesPerRow;
            if (ids[place] >= 0 && (rows.Count == 0 || rows[^1] != row))
                rows.Add(row);
        }
        return [.. rows];
    }
}
