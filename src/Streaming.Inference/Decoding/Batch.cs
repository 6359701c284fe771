using TorchSharp;

namespace Streaming.Inference.Decoding;

/// <summary>
/// The ragged batch of one forward pass: the segments' tokens as N flat rows, and everything about their positions that is the
/// same in every layer. Its tensors belong to the step's dispose scope.
/// </summary>
internal sealed class Batch
{
    private Batch(int rows) => Rows = rows;

    /// <summary>N, tokens in all.</summary>
    public int Rows { get; }

    /// <summary>[N], int64.</summary>
    public required torch.Tensor Ids { get; init; }

    /// <summary>Rotation of each row to its own stream position: keys, and queries towards the window.</summary>
    public required Rotation ToOwn { get; init; }

    /// <summary>Rotation of each row to its distance from the sinks: min(tokens fed before it, F + W - 1).</summary>
    public required Rotation ToSinks { get; init; }

    /// <summary>What is written before anything attends: single tokens, and tokens of the fixed part. Null for nothing.</summary>
    public required StoredRows? StoredBefore { get; init; }

    /// <summary>What is written after everything has attended: the last rolling tokens of chunks. Null for nothing.</summary>
    public required StoredRows? StoredAfter { get; init; }

    /// <summary>What the rows attend to, in their order.</summary>
    public required IReadOnlyList<Sight> Sights { get; init; }

    /// <summary>Rows that give logits, [M] int64; null for none.</summary>
    public required torch.Tensor? LogitRows { get; init; }

    /// <summary>Lays a batch out.</summary>
    /// <param name="segments">Valid segments, a slot at most once.</param>
    /// <param name="shape">The cache's numbers.</param>
    public static Batch Of(IReadOnlyList<Segment> segments, BatchShape shape)
    {
        int rows = segments.Sum(segment => segment.Ids.Length);
        var ids = new long[rows];
        var own = new long[rows];
        var toSinks = new long[rows];
        var before = new List<(int Row, int Slot, int Place)>();
        var after = new List<(int Row, int Slot, int Place)>();
        var sights = new List<Sight>(segments.Count);
        var logitRows = new List<long>();

        int first = 0;
        foreach (Segment segment in segments)
        {
            CacheLayout layout = segment.Layout;
            int count = segment.Ids.Length;
            for (int i = 0; i < count; i++)
            {
                int row = first + i;
                long position = segment.Position + i;
                ids[row] = segment.Ids.Span[i];
                own[row] = position;
                toSinks[row] = Math.Min(segment.Fed + i, layout.Places - 1);
                if (count == 1 || position < layout.Fixed)
                    before.Add((row, segment.Slot, layout.PlaceOf(position)));
                else if (i >= count - layout.Window)
                    after.Add((row, segment.Slot, layout.PlaceOf(position)));
                if (segment.Logits == Decoding.LogitRows.All || (segment.Logits == Decoding.LogitRows.Last && i == count - 1))
                    logitRows.Add(row);
            }
            var sight = Sight.Of(segment, first, shape);
            if (sights.Count > 0 && sights[^1].JoinedWith(sight) is { } joined)
                sights[^1] = joined;
            else
                sights.Add(sight);
            first += count;
        }

        return new Batch(rows)
        {
            Ids = torch.tensor(ids, device: shape.Device),
            ToOwn = Rotation.To(own, shape.Frequencies, shape.AttentionFactor, shape.Device),
            ToSinks = Rotation.To(toSinks, shape.Frequencies, shape.AttentionFactor, shape.Device),
            StoredBefore = Stored(before, rows, shape),
            StoredAfter = Stored(after, rows, shape),
            Sights = sights,
            LogitRows = logitRows.Count == 0 ? null : torch.tensor(logitRows.ToArray(), device: shape.Device),
        };
    }

    private static StoredRows? Stored(List<(int Row, int Slot, int Place)> places, int allRows, BatchShape shape)
    {
        if (places.Count == 0)
            return null;
        var targets = new long[places.Count * shape.KeyValueHeads];
        for (int i = 0; i < places.Count; i++)
        {
            for (int head = 0; head < shape.KeyValueHeads; head++)
                targets[i * shape.KeyValueHeads + head] = ((long)places[i].Slot * shape.KeyValueHeads + head) * shape.Capacity + places[i].Place;
        }
        torch.Tensor? rows = places.Count == allRows
            ? null
            : torch.tensor(places.ConvertAll(place => (long)place.Row).ToArray(), device: shape.Device);
        return new StoredRows(rows, torch.tensor(targets, device: shape.Device));
    }
}

/// <summary>What a batch has to know about the decoder.</summary>
/// <param name="Groups">Query heads per key-value head.</param>
/// <param name="KeyValueHeads">Key-value heads.</param>
/// <param name="Capacity">C.</param>
/// <param name="Frequencies">RoPE's, per pair of components.</param>
/// <param name="AttentionFactor">What rotations multiply queries and keys with.</param>
/// <param name="Type">Of the activations.</param>
/// <param name="Device">Of the tensors.</param>
internal sealed record BatchShape(
    int Groups, int KeyValueHeads, int Capacity, double[] Frequencies, double AttentionFactor, torch.ScalarType Type, torch.Device Device);
