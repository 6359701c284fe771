using System.Runtime.CompilerServices;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// The share of a key bias b in attention scores. A key is W·x + b, rotated by its position, and an int8 cache stores only the rotated
/// W·x. A score depends on the difference of two positions, so the bias's share may be computed with positions inside the cache (Xiao
/// et al. 2023, section 3.2): the query at the last one, n - 1, and the bias at 0, 1, ..., n - 1. These positions are the same for
/// every stream, so their rotations are computed once (<see cref="BiasAngles"/>).
/// <para>
/// With pairs of components as complex numbers, the share at position m is the sum over the pairs of Re(q · conj(b) · e^(-i·m·angle)),
/// where q is the query rotated by n - 1. The factor e^(-i·m·angle) is the product of one for the block of 16 positions and one for
/// the position in it. Sums have one order, which depends on the model alone.
/// </para>
/// </summary>
internal static unsafe class BiasScores
{
    /// <summary>Size of a workspace for one to four queries, in float32.</summary>
    public static int WorkspaceSize(int headDim) => 4 * ProductSize(headDim);

    /// <summary>Size of a query's products with a bias, in float32.</summary>
    public static int ProductSize(int headDim) => 2 * AttentionHead.Padded(headDim / 2);

    /// <summary>Multiplies the pairs of a query by the conjugates of a bias's.</summary>
    /// <param name="query">[width], rotated by the last position inside the cache.</param>
    /// <param name="bias">[width], not rotated.</param>
    /// <param name="width">D.</param>
    /// <param name="products">Real parts, then imaginary parts, [2, D/2 rounded up].</param>
    public static void Multiply(float* query, float* bias, int width, float* products)
    {
        int half = width / 2;
        float* imaginary = products + AttentionHead.Padded(half);
        new Span<float>(products, ProductSize(width)).Clear();
        for (int i = 0; i < half; i++)
        {
            float a = query[i],
                b = query[half + i],
                c = bias[i],
                d = bias[half + i];
            products[i] = a * c + b * d;
            imaginary[i] = b * c - a * d;
        }
    }

    /// <summary>Computes the bias's share in the scores of the positions 0 to <paramref name="count"/> (exclusive).</summary>
    /// <param name="products">Of one to four queries, [queries, <see cref="ProductSize"/>].</param>
    /// <param name="queries">Number of queries, 1 to 4.</param>
    /// <param name="angles">The angles.</param>
    /// <param name="count">Positions.</param>
    /// <param name="workspace">[<see cref="WorkspaceSize"/>].</param>
    /// <param name="scores">[queries, stride], written up to a whole block.</param>
    /// <param name="stride">Elements from one query's scores to the next one's.</param>
    public static void Run<TLanes, TFloats>(
        float* products,
        int queries,
        BiasAngles angles,
        int count,
        float* workspace,
        float* scores,
        int stride
    )
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        int padded = AttentionHead.Padded(angles.Half);
        for (int first = 0; first < count; first += BiasAngles.Block)
        {
            float* cosines = angles.Blocks + 2L * (first / BiasAngles.Block) * padded;
            for (int q = 0; q < queries; q++)
                Turn<TLanes, TFloats>(products + 2 * q * padded, cosines, padded, workspace + 2 * q * padded);
            for (int lane = 0; lane < BiasAngles.Block; lane += TLanes.FloatCount)
            {
                float* lanes = angles.Lanes + lane,
                    results = scores + first + lane;
                switch (queries)
                {
                    case 1:
                        Tile<TLanes, TFloats, One>(workspace, padded, lanes, angles.Half, results, stride);
                        break;
                    case 2:
                        Tile<TLanes, TFloats, Two>(workspace, padded, lanes, angles.Half, results, stride);
                        break;
                    case 3:
                        Tile<TLanes, TFloats, Three>(workspace, padded, lanes, angles.Half, results, stride);
                        break;
                    default:
                        Tile<TLanes, TFloats, Four>(workspace, padded, lanes, angles.Half, results, stride);
                        break;
                }
            }
        }
    }

    /// <summary>
    /// Adds the shares of the positions inside the cache to the scores of the places that hold them, after token
    /// <paramref name="place"/>'s own is stored.
    /// </summary>
    /// <param name="shares">[n], by position inside the cache.</param>
    /// <param name="seen">The places that the token sees.</param>
    /// <param name="layoutEnd">F + W, the place after the ring.</param>
    /// <param name="place">The token's own place.</param>
    /// <param name="scores">By place.</param>
    public static void Add<TLanes, TFloats>(float* shares, in PlaceRanges seen, int layoutEnd, int place, float* scores)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        int rolling = seen.FirstCount + seen.SecondCount;
        Add<TLanes, TFloats>(shares, seen.FixedPlaces, scores);
        if (rolling == 0)
            return;
        int newest = Math.Min(rolling, place + 1 - seen.FixedPlaces), // in the ring up to the token's own place
            oldest = rolling - newest; // behind it, up to the ring's end
        Add<TLanes, TFloats>(shares + seen.FixedPlaces, oldest, scores + layoutEnd - oldest);
        Add<TLanes, TFloats>(shares + seen.FixedPlaces + oldest, newest, scores + place + 1 - newest);
    }

    private static void Add<TLanes, TFloats>(float* shares, int count, float* scores)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        int i = 0;
        for (; i <= count - TLanes.FloatCount; i += TLanes.FloatCount)
            TLanes.Store(TLanes.Add(TLanes.Load(scores + i), TLanes.Load(shares + i)), scores + i);
        for (; i < count; i++)
            scores[i] += shares[i];
    }

    /// <summary>Turns a query's products back by the angles of a block.</summary>
    private static void Turn<TLanes, TFloats>(float* products, float* cosines, int padded, float* turned)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
    {
        TFloats minus = TLanes.Broadcast(-1);
        for (int i = 0; i < padded; i += TLanes.FloatCount)
        {
            TFloats real = TLanes.Load(products + i),
                imaginary = TLanes.Load(products + padded + i);
            TFloats cosine = TLanes.Load(cosines + i),
                sine = TLanes.Load(cosines + padded + i);
            TLanes.Store(TLanes.MultiplyAdd(real, cosine, TLanes.Multiply(imaginary, sine)), turned + i);
            TLanes.Store(TLanes.MultiplyAdd(imaginary, cosine, TLanes.Multiply(TLanes.Multiply(real, sine), minus)), turned + padded + i);
        }
    }

    /// <summary>A vector of positions for one to four queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes, TFloats, TQueries>(float* turned, int padded, float* lanes, int half, float* scores, int stride)
        where TLanes : struct, IFloatLanes<TFloats>
        where TFloats : struct
        where TQueries : struct, ITileCount
    {
        float* u1 = turned + 2 * padded,
            u2 = u1 + 2 * padded,
            u3 = u2 + 2 * padded;
        TFloats a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        TFloats b0 = default,
            b1 = default,
            b2 = default,
            b3 = default;
        for (int i = 0; i < half; i++, lanes += 2 * BiasAngles.Block)
        {
            TFloats cosine = TLanes.Load(lanes),
                sine = TLanes.Load(lanes + BiasAngles.Block);
            a0 = TLanes.MultiplyAdd(cosine, TLanes.Broadcast(turned[i]), a0);
            b0 = TLanes.MultiplyAdd(sine, TLanes.Broadcast(turned[padded + i]), b0);
            if (TQueries.Value > 1)
            {
                a1 = TLanes.MultiplyAdd(cosine, TLanes.Broadcast(u1[i]), a1);
                b1 = TLanes.MultiplyAdd(sine, TLanes.Broadcast(u1[padded + i]), b1);
            }
            if (TQueries.Value > 2)
            {
                a2 = TLanes.MultiplyAdd(cosine, TLanes.Broadcast(u2[i]), a2);
                b2 = TLanes.MultiplyAdd(sine, TLanes.Broadcast(u2[padded + i]), b2);
            }
            if (TQueries.Value > 3)
            {
                a3 = TLanes.MultiplyAdd(cosine, TLanes.Broadcast(u3[i]), a3);
                b3 = TLanes.MultiplyAdd(sine, TLanes.Broadcast(u3[padded + i]), b3);
            }
        }
        TLanes.Store(TLanes.Add(a0, b0), scores);
        if (TQueries.Value > 1)
            TLanes.Store(TLanes.Add(a1, b1), scores + stride);
        if (TQueries.Value > 2)
            TLanes.Store(TLanes.Add(a2, b2), scores + 2 * (long)stride);
        if (TQueries.Value > 3)
            TLanes.Store(TLanes.Add(a3, b3), scores + 3 * (long)stride);
    }
}
