using System.Globalization;

namespace Streaming.Inference.Snapshots;

/// <summary>
/// A rolling hash of all ids of a stream, in order. It continues from any position without the earlier ids, and confirms that a
/// snapshot's stream equals the log's. FNV-1a (Fowler, Noll, Vo) of 128 bits over each id as four bytes, lowest first. It guards
/// against mistakes, not against forgery.
/// </summary>
/// <param name="Value">The 128 bits.</param>
public readonly record struct StreamHash(UInt128 Value)
{
    /// <summary>The hash of no ids: FNV's offset basis.</summary>
    public static readonly StreamHash Empty = new(new UInt128(0x6c62272e07bb0142, 0x62b821756295c58d));

    private static readonly UInt128 s_prime = new(1 << 24, 0x13b);

    /// <summary>The prime's inverse modulo 2^128, by Newton's iteration: each round doubles the number of right bits, from 3.</summary>
    private static readonly UInt128 s_inverse = Enumerable.Range(0, 6).Aggregate(s_prime, (x, _) => x * (2 - s_prime * x));

    /// <summary>The hash of the stream without these ids at its end: each step of FNV can be undone, since the prime is odd.</summary>
    public StreamHash Remove(ReadOnlySpan<int> ids)
    {
        UInt128 hash = Value;
        for (int i = ids.Length - 1; i >= 0; i--)
        {
            for (int shift = 24; shift >= 0; shift -= 8)
                hash = (hash * s_inverse) ^ (byte)(ids[i] >> shift);
        }
        return new StreamHash(hash);
    }

    /// <summary>The hash of the stream extended by these ids.</summary>
    public StreamHash Append(ReadOnlySpan<int> ids)
    {
        UInt128 hash = Value;
        foreach (int id in ids)
        {
            for (int shift = 0; shift < 32; shift += 8)
                hash = (hash ^ (byte)(id >> shift)) * s_prime;
        }
        return new StreamHash(hash);
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
