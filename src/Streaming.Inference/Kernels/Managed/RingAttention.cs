using System.Runtime.CompilerServices;
using Streaming.Inference.Caching;
using Streaming.Inference.Memory;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>The attention of one key-value head in one segment: sizes and memory.</summary>
internal unsafe struct AttentionHead
{
    /// <summary>Fused projections of the segment's first row; its queries of this group begin at <see cref="QueryAt"/>.</summary>
    public float* Projected;

    /// <summary>Elements of a row of projections.</summary>
    public int ProjectedStride;

    /// <summary>Offsets in a row of the group's queries [groups, D], the key and the value.</summary>
    public int QueryAt,
        KeyAt,
        ValueAt;

    /// <summary>Attended values of the segment's first row for this group, [groups, D].</summary>
    public float* Attended;

    /// <summary>Elements of a row of attended values.</summary>
    public int AttendedStride;

    /// <summary>Cosines, then sines, of the rows' positions and of their distances from the sinks, [rows, 2, D / 2] each.</summary>
    public float* ToOwn,
        ToSinks;

    /// <summary>
    /// The slot's keys and values for this head, [C, D], float32, bfloat16, or int8 in the layout of <see cref="IntegerCache"/>.
    /// </summary>
    public void* Keys,
        Values;

    /// <summary>Scales of the places, [C]; for int8.</summary>
    public float* KeyScales,
        ValueScales;

    /// <summary>Biases that keys and values lack, [D]; null for none. Only for int8.</summary>
    public float* KeyBias,
        ValueBias;

    /// <summary>Query heads of the group.</summary>
    public int Groups;

    /// <summary>D.</summary>
    public int HeadDim;

    /// <summary>
    /// A thread's workspace: queries to the window, queries to the sinks, a key, factors, scores [groups, <see
    /// cref="ScoreStride"/>].
    /// </summary>
    public float* Workspace;

    /// <summary>C, rounded up to whole vectors.</summary>
    public int ScoreStride;

    /// <summary>Size of a workspace, in float32.</summary>
    public static int WorkspaceSize(int groups, int headDim, int scoreStride) =>
        2 * groups * headDim + headDim + Padded(groups) + groups * scoreStride;

    /// <summary>Rounds up to a multiple of 16.</summary>
    public static int Padded(int count) => count + 15 & ~15;
}

/// <summary>
/// Attention over the sink cache. Each token is rotated, stored in its place, and attends to the fixed part and the ring in the order of
/// places, in one softmax. Tokens of a chunk are processed one after the other, exactly as if each had come alone.
/// </summary>
internal static unsafe class RingAttention
{
    /// <summary>Computes a segment's attention for one key-value head.</summary>
    public static void Run<TLanes, TFloats, TElement>(in Segment segment, in AttentionHead task)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TElement : unmanaged
    {
        int d = task.HeadDim;
        float scale = (float)(1 / Math.Sqrt(d));
        float* toWindow = task.Workspace; // [groups, D]
        float* toSinks = toWindow + task.Groups * d; // [groups, D]
        float* key = toSinks + task.Groups * d; // [D]
        float* factors = key + d; // [groups]
        float* scores = factors + AttentionHead.Padded(task.Groups); // [groups, score stride]
        var keys = (TElement*)task.Keys;
        var values = (TElement*)task.Values;
        CacheLayout layout = segment.Layout;
        for (int t = 0; t < segment.Ids.Length; t++)
        {
            float* row = task.Projected + (long)t * task.ProjectedStride;
            float* own = task.ToOwn + (long)t * d,
                sinks = task.ToSinks + (long)t * d;
            long position = segment.Position + t,
                place = layout.PlaceOf(position);
            Rotate<TLanes, TFloats>(row + task.KeyAt, own, d, 1, key);
            Store(key, keys + place * d, d);
            Store(row + task.ValueAt, values + place * d, d);
            for (int g = 0; g < task.Groups; g++)
            {
                Rotate<TLanes, TFloats>(row + task.QueryAt + g * d, own, d, scale, toWindow + g * d);
                Rotate<TLanes, TFloats>(row + task.QueryAt + g * d, sinks, d, scale, toSinks + g * d);
            }

            var seen = PlaceRanges.SeenBy(layout, position, segment.Fed + t);
            Scores(toSinks, 0, seen.FixedPlaces, 0, task);
            Scores(toWindow, seen.FirstStart, seen.FirstCount, seen.FixedPlaces, task);
            Scores(toWindow, seen.SecondStart, seen.SecondCount, seen.FixedPlaces + seen.FirstCount, task);
            for (int g = 0; g < task.Groups; g++)
                factors[g] = 1 / RowOperations.ExpOfDifferences<TLanes, TFloats>(scores + g * task.ScoreStride, seen.Count);
            WeightedSum.Run<TLanes, TFloats, TElement>(
                values,
                d,
                seen,
                scores,
                task.ScoreStride,
                factors,
                task.Groups,
                task.Attended + (long)t * task.AttendedStride
            );
        }

        void Scores(float* queries, int start, int count, int column, in AttentionHead task)
        {
            if (count > 0)
            {
                FloatProduct.Run<TLanes, TFloats, TElement>(
                    keys,
                    d,
                    start,
                    start + count,
                    queries,
                    d,
                    task.Groups,
                    scores + column - start,
                    task.ScoreStride,
                    add: false
                );
            }
        }
    }

    /// <summary>
    /// Rotates and scales a head, in Hugging Face's half-split form; <paramref name="angles"/> are D / 2 cosines, then D / 2 sines.
    /// </summary>
    public static void Rotate<TLanes, TFloats>(float* head, float* angles, int width, float scale, float* result)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        int half = width / 2;
        TFloats s = TLanes.Broadcast(scale),
            minus = TLanes.Broadcast(-1);
        for (int i = 0; i < half; i += TLanes.FloatCount)
        {
            TFloats cosine = TLanes.Load(angles + i),
                sine = TLanes.Load(angles + half + i);
            TFloats a = TLanes.Multiply(TLanes.Load(head + i), s),
                b = TLanes.Multiply(TLanes.Load(head + half + i), s);
            TLanes.Store(TLanes.MultiplyAdd(a, cosine, TLanes.Multiply(TLanes.Multiply(b, sine), minus)), result + i);
            TLanes.Store(TLanes.MultiplyAdd(b, cosine, TLanes.Multiply(a, sine)), result + half + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TElement>(float* source, TElement* target, int count)
        where TElement : unmanaged
    {
        if (typeof(TElement) == typeof(float))
        {
            new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));
        }
        else
        {
            for (int i = 0; i < count; i++)
                ((BFloat16*)target)[i] = BFloat16.Of(source[i]);
        }
    }
}
