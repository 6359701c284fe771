using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// A <see cref="Batch"/> as libtorch tensors: everything that is the same in every layer. The tensors belong to the step's dispose
/// scope.
/// </summary>
internal sealed class TorchBatch
{
    private TorchBatch(int rows) => Rows = rows;

    /// <summary>N, the number of tokens.</summary>
    public int Rows { get; }

    /// <summary>Rotations by stream position: for keys, and for queries to the window.</summary>
    public required RotaryEmbedding ToOwn { get; init; }

    /// <summary>Rotations by distance from the sinks, min(tokens fed before the row, F + W - 1): for queries to the sinks.</summary>
    public required RotaryEmbedding ToSinks { get; init; }

    /// <summary>Rows stored before attention: single tokens, and tokens of the fixed part. Null for none.</summary>
    public required StoredRows? StoredBefore { get; init; }

    /// <summary>Rows stored after attention: the last rolling tokens of chunks. Null for none.</summary>
    public required StoredRows? StoredAfter { get; init; }

    /// <summary>The keys that the rows attend to, in the rows' order.</summary>
    public required IReadOnlyList<AttentionView> Views { get; init; }

    /// <summary>Converts a batch.</summary>
    public static TorchBatch Of(Batch batch, BatchShape shape)
    {
        var before = new List<(int Row, int Slot, int Place)>();
        var after = new List<(int Row, int Slot, int Place)>();
        var views = new List<AttentionView>(batch.Segments.Count);

        int first = 0;
        foreach (Segment segment in batch.Segments)
        {
            CacheLayout layout = segment.Layout;
            int count = segment.Ids.Length;
            for (int i = 0; i < count; i++)
            {
                long position = segment.Position + i;
                if (count == 1 || position < layout.Fixed)
                    before.Add((first + i, segment.Slot, layout.PlaceOf(position)));
                else if (i >= count - layout.Window)
                    after.Add((first + i, segment.Slot, layout.PlaceOf(position)));
            }
            var view = AttentionView.Of(segment, first, shape);
            if (views.Count > 0 && views[^1].JoinedWith(view) is { } joined)
                views[^1] = joined;
            else
                views.Add(view);
            first += count;
        }

        return new TorchBatch(batch.Rows)
        {
            ToOwn = RotaryEmbedding.To(batch, batch.Positions, shape.Frequencies, shape.AttentionFactor, shape.Device),
            ToSinks = RotaryEmbedding.To(batch, batch.SinkDistances, shape.Frequencies, shape.AttentionFactor, shape.Device),
            StoredBefore = Stored(before, batch.Rows, shape),
            StoredAfter = Stored(after, batch.Rows, shape),
            Views = views,
        };
    }

    private static StoredRows? Stored(List<(int Row, int Slot, int Place)> places, int allRows, BatchShape shape)
    {
        if (places.Count == 0)
            return null;
        long[] targets = new long[places.Count * shape.KeyValueHeads];
        for (int i = 0; i < places.Count; i++)
        {
            for (int head = 0; head < shape.KeyValueHeads; head++)
                targets[i * shape.KeyValueHeads + head] =
                    ((long)places[i].Slot * shape.KeyValueHeads + head) * shape.Capacity + places[i].Place;
        }
        torch.Tensor? rows =
            places.Count == allRows ? null : torch.tensor(places.ConvertAll(place => (long)place.Row).ToArray(), device: shape.Device);
        return new StoredRows(rows, torch.tensor(targets, device: shape.Device));
    }
}
