using System.Buffers;
using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// A BPE vocabulary and its merges, of both kinds. Byte-level: a piece is split into its UTF-8 bytes, written in
/// <see cref="ByteAlphabet"/>. SentencePiece: a piece is split into its characters. A character outside the vocabulary falls back to the
/// tokens of its bytes (<c>&lt;0xE4&gt;</c>), if the vocabulary has them and the model says so, else to the unknown token; without one
/// it is dropped.
/// </summary>
internal sealed class BpeModel
{
    private const int MostSymbolsPerByte = 2; // a byte's letter may fall back to its own two bytes

    private readonly BytePairMerges _merges;
    private readonly Dictionary<string, int>? _whole; // pieces that are tokens, if merges are ignored for them; else null
    private readonly int _longestWhole; // bytes
    private readonly Dictionary<string, int> _characters;
    private readonly int[] _byteTokens; // by byte, -1 for none
    private readonly int _unknown; // -1 for none
    private readonly bool _fuseUnknown;
    private readonly (int[] Symbols, bool IsToken)[] _symbolsOfBytes = []; // of a byte-level vocabulary, by byte

    /// <param name="byteLevel">Whether the vocabulary is byte-level.</param>
    /// <param name="characters">Tokens of one character.</param>
    /// <param name="merges">The merges.</param>
    /// <param name="whole">Pieces that become their token without merging; null for none.</param>
    /// <param name="byteTokens">The token of each byte to fall back to, -1 for none.</param>
    /// <param name="unknown">The unknown token.</param>
    /// <param name="fuseUnknown">Whether several unknown characters in a row are one unknown token.</param>
    public BpeModel(
        bool byteLevel,
        Dictionary<string, int> characters,
        BytePairMerges merges,
        Dictionary<string, int>? whole,
        int[] byteTokens,
        int? unknown,
        bool fuseUnknown
    )
    {
        ByteLevel = byteLevel;
        _characters = characters;
        _merges = merges;
        _whole = whole;
        _longestWhole = whole is not { Count: > 0 }
            ? 0
            : whole.Keys.Max(token => byteLevel ? token.Length : Encoding.UTF8.GetByteCount(token));
        _byteTokens = byteTokens;
        _unknown = unknown ?? -1;
        _fuseUnknown = fuseUnknown;
        if (byteLevel)
        {
            _symbolsOfBytes = new (int[], bool)[256];
            Span<int> symbols = stackalloc int[4];
            for (int b = 0; b < 256; b++)
            {
                int count = SymbolsOf([ByteAlphabet.CharOf((byte)b)], symbols, out bool isToken);
                _symbolsOfBytes[b] = (symbols[..count].ToArray(), isToken);
            }
        }
    }

    /// <summary>Whether the vocabulary is byte-level.</summary>
    public bool ByteLevel { get; }

    /// <summary>Encodes a piece, the unit that merges never cross.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.IsEmpty)
            return;
        int length = Encoding.UTF8.GetByteCount(piece);
        int[] symbols = ArrayPool<int>.Shared.Rent(MostSymbolsPerByte * length);
        try
        {
            if (_whole is not null && length <= _longestWhole && Whole(piece) is int id)
            {
                ids.Add(id);
                return;
            }
            Span<int> used = symbols.AsSpan(0, ByteLevel ? BytesOf(piece, symbols) : CharactersOf(piece, symbols));
            ids.AddRange(used[.._merges.Merge(used)]);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(symbols);
        }
    }

    private int? Whole(ReadOnlySpan<char> piece)
    {
        if (!ByteLevel)
            return _whole!.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(piece, out int id) ? id : null;
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(piece)];
        Encoding.UTF8.GetBytes(piece, bytes);
        string token = string.Create(
            bytes.Length,
            bytes,
            static (chars, from) =>
            {
                for (int i = 0; i < from.Length; i++)
                    chars[i] = ByteAlphabet.CharOf(from[i]);
            }
        );
        return _whole!.TryGetValue(token, out int found) ? found : null;
    }

    private int BytesOf(ReadOnlySpan<char> piece, int[] symbols)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(piece.Length));
        var writer = new SymbolWriter(symbols, _unknown, _fuseUnknown);
        foreach (byte value in bytes.AsSpan(0, Encoding.UTF8.GetBytes(piece, bytes)))
        {
            (int[] own, bool isToken) = _symbolsOfBytes[value];
            writer.Add(own, isToken);
        }
        ArrayPool<byte>.Shared.Return(bytes);
        return writer.End();
    }

    private int CharactersOf(ReadOnlySpan<char> piece, int[] symbols)
    {
        var writer = new SymbolWriter(symbols, _unknown, _fuseUnknown);
        Span<int> own = stackalloc int[4];
        for (int i = 0; i < piece.Length; )
        {
            Rune.DecodeFromUtf16(piece[i..], out _, out int length);
            int count = SymbolsOf(piece.Slice(i, length), own, out bool isToken);
            writer.Add(own[..count], isToken);
            i += length;
        }
        return writer.End();
    }

    /// <summary>The symbols of one character: its token, or those of its bytes; none if it is unknown.</summary>
    private int SymbolsOf(ReadOnlySpan<char> character, Span<int> symbols, out bool isToken)
    {
        isToken = _characters.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(character, out int id);
        if (isToken)
        {
            symbols[0] = id;
            return 1;
        }
        Span<byte> utf8 = stackalloc byte[4];
        int count = Encoding.UTF8.GetBytes(character, utf8);
        for (int i = 0; i < count; i++)
        {
            if ((symbols[i] = _byteTokens[utf8[i]]) < 0)
                return 0;
        }
        return count;
    }

    /// <summary>
    /// Writes symbols as Hugging Face's library does: an unknown token waits for the next character that is a token, so that it comes
    /// after the bytes of characters between the two.
    /// </summary>
    private ref struct SymbolWriter(Span<int> symbols, int unknown, bool fuses)
    {
        private readonly Span<int> _symbols = symbols;
        private int _count;
        private bool _unknownWaits;

        public void Add(scoped ReadOnlySpan<int> own, bool isToken)
        {
            if (isToken || (own.IsEmpty && !fuses))
                Flush();
            if (own.IsEmpty)
                _unknownWaits = unknown >= 0;
            own.CopyTo(_symbols[_count..]);
            _count += own.Length;
        }

        public int End()
        {
            Flush();
            return _count;
        }

        private void Flush()
        {
            if (_unknownWaits)
                _symbols[_count++] = unknown;
            _unknownWaits = false;
        }
    }
}
