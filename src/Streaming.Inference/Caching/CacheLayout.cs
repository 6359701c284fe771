namespace Streaming.Inference.Caching;

/// <summary>
/// How a conversation uses its slot: <paramref name="Fixed"/> places that are never evicted, then a ring of
/// <paramref name="Window"/> places for the most recent tokens, including the current one ("4+252" = 4 sinks, window 252).
/// </summary>
/// <param name="Fixed">F: the sinks, or the pinned prompt if that is longer; 0 or more.</param>
/// <param name="Window">W: recent tokens; 1 or more.</param>
public readonly record struct CacheLayout(int Fixed, int Window)
{
    /// <summary>F + W, places in use when the cache is full.</summary>
    public int Places => Fixed + Window;

    /// <summary>The place of the token at stream position p: p below F, else F + (p - F) mod W.</summary>
    public int PlaceOf(long position) => position < Fixed ? (int)position : Fixed + (int)((position - Fixed) % Window);

    /// <summary>Evicted tokens of a stream of <paramref name="position"/> tokens.</summary>
    public long Forgotten(long position) => Math.Max(0, position - Places);
}
