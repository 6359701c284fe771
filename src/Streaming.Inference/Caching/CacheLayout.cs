namespace Streaming.Inference.Caching;

/// <summary>
/// How one conversation uses its slot: <paramref name="Fixed"/> places that are never evicted and a ring of
/// <paramref name="Window"/> places for the most recent tokens ("4+252" = 4 sinks, window 252, the token itself included).
/// </summary>
/// <param name="Fixed">F: the sinks, or the pinned prompt where that is longer; 0 or more.</param>
/// <param name="Window">W: recent tokens; at least 1.</param>
public readonly record struct CacheLayout(int Fixed, int Window)
{
    /// <summary>F + W, the places of the slot that this layout uses.</summary>
    public int Places => Fixed + Window;

    /// <summary>The place that the token at a stream position lives in: its own below F, else F + (p - F) mod W.</summary>
    public int PlaceOf(long position) => position < Fixed ? (int)position : Fixed + (int)((position - Fixed) % Window);

    /// <summary>Tokens that no longer take part when the stream is <paramref name="position"/> tokens long.</summary>
    public long Forgotten(long position) => Math.Max(0, position - Places);
}
