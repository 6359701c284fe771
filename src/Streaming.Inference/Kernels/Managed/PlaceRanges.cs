using Streaming.Inference.Caching;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// The places of a slot that a query sees, as up to three ranges in the order of the places: the fixed part, then the ring, which
/// has a gap in the middle while it is not full.
/// </summary>
internal readonly struct PlaceRanges
{
    private PlaceRanges(int fixedPlaces, int firstStart, int firstCount, int secondStart, int secondCount)
    {
        FixedPlaces = fixedPlaces;
        FirstStart = firstStart;
        FirstCount = firstCount;
        SecondStart = secondStart;
        SecondCount = secondCount;
    }

    /// <summary>Places of the fixed part: the first ones.</summary>
    public int FixedPlaces { get; }

    /// <summary>First place of the ring's first range.</summary>
    public int FirstStart { get; }

    /// <summary>Places of the ring's first range.</summary>
    public int FirstCount { get; }

    /// <summary>First place of the ring's second range.</summary>
    public int SecondStart { get; }

    /// <summary>Places of the ring's second range; 0 for a ring without a gap.</summary>
    public int SecondCount { get; }

    /// <summary>All of them.</summary>
    public int Count => FixedPlaces + FirstCount + SecondCount;

    /// <summary>The place after the last one.</summary>
    public int End =>
        SecondCount > 0 ? SecondStart + SecondCount
        : FirstCount > 0 ? FirstStart + FirstCount
        : FixedPlaces;

    /// <summary>In scores by place, up to <paramref name="whole"/>, makes those of all other places nothing.</summary>
    public unsafe void HideOthers(float* scores, int whole)
    {
        int end = End;
        Hide(scores, FixedPlaces, Math.Min(FirstStart, end));
        if (SecondCount > 0)
            Hide(scores, FirstStart + FirstCount, SecondStart);
        Hide(scores, end, whole);

        static void Hide(float* scores, int from, int to)
        {
            if (from < to)
                new Span<float>(scores + from, to - from).Fill(float.NegativeInfinity);
        }
    }

    /// <summary>What a token sees, itself included, once it is in its place.</summary>
    /// <param name="layout">The slot's.</param>
    /// <param name="position">The token's.</param>
    /// <param name="fed">Tokens fed to the slot before it.</param>
    public static PlaceRanges SeenBy(CacheLayout layout, long position, long fed)
    {
        if (fed < layout.Fixed)
            return new PlaceRanges((int)fed + 1, layout.Fixed, 0, layout.Fixed, 0);
        int rolling = (int)Math.Min(layout.Window, fed + 1 - layout.Fixed);
        if (rolling == layout.Window)
            return new PlaceRanges(layout.Fixed, layout.Fixed, rolling, layout.Fixed, 0);
        int start = (int)((position + 1 - rolling - layout.Fixed) % layout.Window);
        int wrapped = Math.Max(0, start + rolling - layout.Window);
        return new PlaceRanges(layout.Fixed, layout.Fixed, wrapped, layout.Fixed + start, rolling - wrapped);
    }
}
