namespace Streaming.Inference.Tokenizing;

/// <summary>
/// GPT-2's way of writing bytes as visible characters (Radford et al. 2019, <c>bytes_to_unicode</c>): printable Latin-1
/// stands for itself, the other 68 bytes for U+0100 and up, so that a vocabulary of byte strings is a list of texts.
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

    /// <summary>The character that stands for a byte.</summary>
    public static char CharOf(byte value) => Chars[value];

    /// <summary>The bytes that a token's text stands for, or null when a character stands for none.</summary>
    public static byte[]? BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            if (!Bytes.TryGetValue(token[i], out bytes[i]))
                return null;
        }
        return bytes;
    }
}
