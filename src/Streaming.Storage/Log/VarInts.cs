namespace Streaming.Storage.Log;

/// <summary>
/// Non-negative integers as varints (LEB128): seven bits per byte, low bits first; the top bit says that more follow. A token id takes
/// one to three bytes, a text length mostly one.
/// </summary>
internal static class VarInts
{
    private const int MaxBytesEach = 5;

    /// <summary>Encodes non-negative integers.</summary>
    public static byte[] Encode(ReadOnlySpan<int> values)
    {
        byte[] buffer = new byte[values.Length * MaxBytesEach];
        int length = 0;
        foreach (int value in values)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            uint rest = (uint)value;
            for (; rest >= 0x80; rest >>= 7)
                buffer[length++] = (byte)(rest | 0x80);
            buffer[length++] = (byte)rest;
        }

        return buffer[..length];
    }

    /// <summary>Decodes what <see cref="Encode"/> made.</summary>
    /// <exception cref="InvalidDataException">The bytes are not varints.</exception>
    public static int[] Decode(ReadOnlySpan<byte> bytes)
    {
        int count = 0;
        foreach (byte b in bytes)
            count += b < 0x80 ? 1 : 0;

        int[] values = new int[count];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            uint value = 0;
            int shift = 0;
            for (; bytes[at] >= 0x80; shift += 7)
                value |= (uint)(bytes[at++] & 0x7F) << shift;
            value |= (uint)bytes[at++] << shift;
            if (shift > 28 || value > int.MaxValue)
                throw new InvalidDataException("A row of varints in the store is damaged; restore the store from a copy.");
            values[i] = (int)value;
        }

        if (at != bytes.Length)
            throw new InvalidDataException("A row of varints in the store is damaged; restore the store from a copy.");
        return values;
    }
}
