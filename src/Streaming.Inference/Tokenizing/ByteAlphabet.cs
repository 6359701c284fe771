namespace Streaming.Inference.Tokenizing;

/// <summary>
/// GPT-2's mapping of bytes to visible characters (Radford et al. 2019, <c>bytes_to_unicode</c>), so that tokens of bytes can be written
/// as text: printable Latin-1 characters map to themselves, the other 68 bytes to U+0100 and up.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = new char[256];
    private static readonly Dictionary<char, byte> Bytes = [];

    static ByteAlphabet()
    {
        char next = '\u0100';
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            Chars[b] = printable ? (char)b : next++;
            Bytes[Chars[b]] = (byte)b;
        }
    }

    /// <summary>The character for a byte.</summary>
    public static char CharOf(byte value) => Chars[value];

    /// <summary>The bytes for a token's text; null if a character is not in the mapping.</summary>
    public static byte[]? BytesOf(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            if (!Bytes.TryGetValue(token[i], out bytes[i]))
                return null;
        }
        return bytes;
    }
}
