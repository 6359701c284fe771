using Streaming.Inference.Caching;

namespace Streaming.Inference.Kernels.Managed;

/// <summary>
/// The places of a slot that a query sees, as up to three ascending ranges: the fixed part, then the ring, which has a gap while it is
/// not full.
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

    /// <summary>Number of places of the fixed part, from 0.</summary>
    public int FixedPlaces { get; }

    /// <summary>First place of the ring's first range.</summary>
    public int FirstStart { get; }

    /// <summary>Number of places of the ring's first range.</summary>
    public int FirstCount { get; }

    /// <summary>First place of the ring's second range.</summary>
    public int SecondStart { get; }

    /// <summary>Number of places of the ring's second range; 0 if the ring has no gap.</summary>
    public int SecondCount { get; }

    /// <summary>Number of all places.</summary>
    public int Count => FixedPlaces + FirstCount + SecondCount;

    /// <summary>The place after the last one.</summary>
    public int End =>
        SecondCount > 0 ? SecondStart + SecondCount
        : FirstCount > 0 ? FirstStart + FirstCount
        : FixedPlaces;

    /// <summary>Sets the scores of all other places below <paramref name="whole"/> to minus infinity.</summary>
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

    /// <summary>The places that a token sees, including its own, after it is stored.</summary>
    /// <param name="layout">The slot's layout.</param>
    /// <param name="position">The token's stream position.</param>
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
