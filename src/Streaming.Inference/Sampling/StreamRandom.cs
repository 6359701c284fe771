namespace Streaming.Inference.Sampling;

/// <summary>
/// Stateless random numbers: each is a function of (seed, branch, position) only, so a resumed reply draws the same numbers on any
/// machine. Each of the three passes through SplitMix64's step (Steele, Lea and Flood 2014; Stafford's variant 13 of the finalizer):
/// if one bit of them changes, about half of the result's bits do.
/// </summary>
internal static class StreamRandom
{
    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public static double Uniform(ulong seed, int branch, long position)
    {
        ulong hash = Mix(seed);
        hash = Mix(hash ^ (uint)branch);
        hash = Mix(hash ^ (ulong)position);
        return (hash >> 11) * (1.0 / (1UL << 53));
    }

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
