using Streaming.Inference.Caching;
using TorchSharp;

namespace Streaming.Inference.Kernels.LibTorch;

/// <summary>
/// The keys that a segment's queries attend to, as columns of one softmax: the first <see cref="FixedPlaces"/> places of the slot,
/// then <see cref="RingPlaces"/> places of its ring, then the last <see cref="OwnKeys"/> keys of the segment itself. A single token is
/// stored first, so it has no own keys. A chunk's rolling tokens are stored after it has attended, because storing them first would
/// overwrite keys that its earlier queries need. One view may also cover several slots with one query each.
/// </summary>
internal sealed record AttentionView
{
    private const long Empty = long.MaxValue;

    /// <summary>The slot, or the first of several ones.</summary>
    public required int Slot { get; init; }

    /// <summary>Number of consecutive slots with one unmasked row and as many places each, which attend as one batch; else 1.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>The segment's first row in the batch.</summary>
    public required int FirstRow { get; init; }

    /// <summary>T, the segment's tokens; the number of slots if there are several.</summary>
    public required int Rows { get; init; }

    /// <summary>Places of the fixed part in use after this segment's fixed tokens are stored; 0 to F.</summary>
    public required int FixedPlaces { get; init; }

    /// <summary>Places from F upwards that are read; empty ones are masked.</summary>
    public required int RingPlaces { get; init; }

    /// <summary>Rolling tokens of a chunk; 0 for a single token.</summary>
    public required int OwnKeys { get; init; }

    /// <summary>0 if a query sees a key, else minus infinity, [1, groups · T, columns]; null if every query sees all keys.</summary>
    public required torch.Tensor? Mask { get; init; }

    /// <summary>Columns before the segment's own keys: consecutive places of the slot.</summary>
    public int Places => FixedPlaces + RingPlaces;

    /// <summary>Number of columns.</summary>
    public int Columns => Places + OwnKeys;

    /// <summary>The view of a segment whose first row in the batch is <paramref name="firstRow"/>.</summary>
    public static AttentionView Of(Segment segment, int firstRow, BatchShape shape)
    {
        CacheLayout layout = segment.Layout;
        int count = segment.Ids.Length;
        bool single = count == 1;
        long end = segment.Position + count;
        int ownKeys = single ? 0 : (int)Math.Max(0, end - Math.Max(segment.Position, layout.Fixed));

        // Positions of the rolling tokens in the ring while this segment attends: [from, to).
        long to = single ? end : segment.Position;
        long rolling = Math.Min(layout.Window, Math.Max(0, segment.Fed + (single ? 1 : 0) - layout.Fixed));
        long from = to - rolling;
        int ringPlaces = RingPlacesInUse(layout, from, rolling);

        var view = new AttentionView
        {
            Slot = segment.Slot,
            FirstRow = firstRow,
            Rows = count,
            FixedPlaces = (int)Math.Min(layout.Fixed, segment.Fed + count),
            RingPlaces = ringPlaces,
            OwnKeys = ownKeys,
            Mask = null,
        };
        bool seesAll = single && rolling == ringPlaces;
        return seesAll ? view : view with { Mask = MaskOf(view, segment, from, to, shape) };
    }

    /// <summary>This view and the following one combined; null if that is impossible.</summary>
    public AttentionView? JoinedWith(AttentionView next)
    {
        bool joins =
            Rows == Slots
            && next.Rows == 1
            && Mask is null
            && next.Mask is null
            && next.Slot == Slot + Slots
            && next.FixedPlaces == FixedPlaces
            && next.RingPlaces == RingPlaces;
        return joins ? this with { Slots = Slots + 1, Rows = Rows + 1 } : null;
    }

    private static int RingPlacesInUse(CacheLayout layout, long from, long rolling)
    {
        if (rolling == 0)
            return 0;
        long start = (from - layout.Fixed) % layout.Window;
        return (int)Math.Min(layout.Window, start + rolling);
    }

    /// <summary>
    /// The rule of the sink cache: a query at p sees a key at j if j ≤ p and (j &lt; F or j &gt; p - W).
    /// </summary>
    private static torch.Tensor MaskOf(AttentionView view, Segment segment, long from, long to, BatchShape shape)
    {
        CacheLayout layout = segment.Layout;
        long[] keys = new long[view.Columns];
        for (int place = 0; place < view.FixedPlaces; place++)
            keys[place] = place;
        Array.Fill(keys, Empty, view.FixedPlaces, view.RingPlaces);
        for (long position = from; position < to; position++)
            keys[layout.PlaceOf(position)] = position;
        for (int i = 0; i < view.OwnKeys; i++)
            keys[view.Places + i] = segment.Position + segment.Ids.Length - view.OwnKeys + i;

        float[] additions = new float[view.Rows * view.Columns];
        for (int row = 0; row < view.Rows; row++)
        {
            long p = segment.Position + row;
            for (int column = 0; column < keys.Length; column++)
            {
                long j = keys[column];
                bool sees = j <= p && (j < layout.Fixed || j > p - layout.Window);
                additions[row * keys.Length + column] = sees ? 0 : float.NegativeInfinity;
            }
        }
        torch.Tensor mask = torch.tensor(additions, [view.Rows, view.Columns], device: shape.Device).to(shape.Type);
        return mask.unsqueeze(0).expand(shape.Groups, -1, -1).reshape(1, shape.Groups * view.Rows, view.Columns);
    }
}
