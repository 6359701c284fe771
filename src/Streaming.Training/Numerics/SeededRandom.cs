namespace Streaming.Training.Numerics;

/// <summary>
/// A random sequence whose whole state is one number, so that it can be stored and resumed: SplitMix64 (Steele, Lea and Flood 2014).
/// </summary>
/// <param name="state">The initial state.</param>
internal sealed class SeededRandom(ulong state)
{
    /// <summary>The state from which the sequence continues.</summary>
    public ulong State { get; private set; } = state;

    /// <summary>An independent sequence for a purpose and a number, the same on every machine.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the sequence is for, such as a source's name.</param>
    /// <param name="number">The index among the sequences for this purpose.</param>
    public static SeededRandom For(ulong seed, string purpose, long number)
    {
        ulong hash = seed;
        foreach (char letter in purpose)
            hash = Mixed(hash ^ letter);
        return new SeededRandom(Mixed(hash ^ (ulong)number));
    }

    /// <summary>A whole number in [0, limit).</summary>
    public int Next(int limit) => (int)((UInt128)Next() * (uint)limit >> 64);

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with the given probability.</summary>
    public bool Chance(double probability) => NextDouble() < probability;

    /// <summary>One of the choices, all equally likely.</summary>
    public T Of<T>(IReadOnlyList<T> choices) => choices[Next(choices.Count)];

    /// <summary>Shuffles the items in place (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private ulong Next() => Mixed(State += 0x9E3779B97F4A7C15);

    private static ulong Mixed(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
