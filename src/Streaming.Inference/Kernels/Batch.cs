namespace Streaming.Inference.Kernels;

/// <summary>The ragged batch of a forward pass: the tokens of all segments as N flat rows, in order.</summary>
internal sealed class Batch
{
    private Batch(IReadOnlyList<Segment> segments, int rows, int logits)
    {
        Segments = segments;
        Ids = new int[rows];
        Positions = new long[rows];
        SinkDistances = new long[rows];
        LogitRows = logits == 0 ? [] : new int[logits];
    }

    /// <summary>The segments.</summary>
    public IReadOnlyList<Segment> Segments { get; }

    /// <summary>N, the number of tokens.</summary>
    public int Rows => Ids.Length;

    /// <summary>Tokens of the longest segment.</summary>
    public int LongestSegment { get; private set; }

    /// <summary>The tokens, [N].</summary>
    public int[] Ids { get; }

    /// <summary>Stream positions, [N]: keys are rotated by them, and queries for the window.</summary>
    public long[] Positions { get; }

    /// <summary>Rotations of queries for the sinks, [N]: min(tokens fed before the row, F + W - 1).</summary>
    public long[] SinkDistances { get; }

    /// <summary>Rows that give logits, ascending, [M].</summary>
    public int[] LogitRows { get; }

    /// <summary>Makes the batch of segments.</summary>
    /// <param name="segments">Valid segments, each slot at most once.</param>
    public static Batch Of(IReadOnlyList<Segment> segments)
    {
        int rows = 0,
            logits = 0;
        for (int s = 0; s < segments.Count; s++)
        {
            rows += segments[s].Ids.Length;
            logits += LogitsOf(segments[s]);
        }

        var batch = new Batch(segments, rows, logits);
        int row = 0,
            logit = 0;
        for (int s = 0; s < segments.Count; s++)
        {
            Segment segment = segments[s];
            ReadOnlySpan<int> ids = segment.Ids.Span;
            batch.LongestSegment = Math.Max(batch.LongestSegment, ids.Length);
            for (int i = 0; i < ids.Length; i++, row++)
            {
                batch.Ids[row] = ids[i];
                batch.Positions[row] = segment.Position + i;
                batch.SinkDistances[row] = Math.Min(segment.Fed + i, segment.Layout.Places - 1);
                if (i >= ids.Length - LogitsOf(segment))
                    batch.LogitRows[logit++] = row;
            }
        }
        return batch;
    }

    /// <summary>Number of a segment's last rows that give logits.</summary>
    private static int LogitsOf(Segment segment) =>
        segment.Logits switch
        {
            Kernels.LogitRows.All => segment.Ids.Length,
            Kernels.LogitRows.Last => 1,
            _ => 0,
        };
}
