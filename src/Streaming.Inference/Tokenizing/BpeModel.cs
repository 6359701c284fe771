using System.Buffers;
using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// A BPE vocabulary and its merges, of both kinds. Byte-level: a piece is split into its UTF-8 bytes, written in
/// <see cref="ByteAlphabet"/>. SentencePiece: a piece is split into its characters; one outside the vocabulary falls back to its bytes
/// (<c>&lt;0xE4&gt;</c>) or to the unknown token.
/// </summary>
internal sealed class BpeModel
{
    private readonly BytePairMerges _merges;
    private readonly Dictionary<string, int>? _whole; // pieces that are tokens, if merges are ignored for them; else null
    private readonly int _longestWhole; // bytes
    private readonly Dictionary<string, int> _vocabulary;
    private readonly int[] _byteIds; // by byte, -1 for none
    private readonly int? _unknown;
    private readonly bool _fuseUnknown;

    public BpeModel(
        bool byteLevel,
        Dictionary<string, int> vocabulary,
        BytePairMerges merges,
        Dictionary<string, int>? whole,
        int[] byteIds,
        int? unknown,
        bool fuseUnknown
    )
    {
        ByteLevel = byteLevel;
        _vocabulary = vocabulary;
        _merges = merges;
        _whole = whole;
        _longestWhole = whole is not { Count: > 0 }
            ? 0
            : whole.Keys.Max(token => byteLevel ? token.Length : Encoding.UTF8.GetByteCount(token));
        _byteIds = byteIds;
        _unknown = unknown;
        _fuseUnknown = fuseUnknown;
    }

    /// <summary>Whether the vocabulary is byte-level.</summary>
    public bool ByteLevel { get; }

    /// <summary>Encodes a piece, the unit that merges never cross.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.IsEmpty)
            return;
        int length = Encoding.UTF8.GetByteCount(piece);
        int[] symbols = ArrayPool<int>.Shared.Rent(length);
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

    private int BytesOf(ReadOnlySpan<char> piece, Span<int> symbols)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(symbols.Length); // the piece has at most as many bytes
        int count = Encoding.UTF8.GetBytes(piece, bytes);
        for (int i = 0; i < count; i++)
            symbols[i] = _byteIds[bytes[i]];
        ArrayPool<byte>.Shared.Return(bytes);
        return count;
    }

    private int CharactersOf(ReadOnlySpan<char> piece, Span<int> symbols)
    {
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = _vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<byte> utf8 = stackalloc byte[4];
        int count = 0;
        bool afterUnknown = false;
        for (int i = 0; i < piece.Length; )
        {
            Rune.DecodeFromUtf16(piece[i..], out Rune rune, out int length);
            bool known = lookup.TryGetValue(piece.Slice(i, length), out int id);
            i += length;
            if (known)
            {
                symbols[count++] = id;
                afterUnknown = false;
            }
            else if (FallBack(utf8[..rune.EncodeToUtf8(utf8)], symbols[count..]) is int bytes and > 0)
            {
                count += bytes;
                afterUnknown = false;
            }
            else if (_unknown is int unknown && !(afterUnknown && _fuseUnknown))
            {
                symbols[count++] = unknown;
                afterUnknown = true;
            }
        }
        return count;
    }

    /// <summary>Writes the byte tokens of a character; 0 unless the vocabulary has all of them.</summary>
    private int FallBack(ReadOnlySpan<byte> utf8, Span<int> symbols)
    {
        for (int i = 0; i < utf8.Length; i++)
        {
            if (_byteIds[utf8[i]] < 0)
                return 0;
            symbols[i] = _byteIds[utf8[i]];
        }
        return utf8.Length;
    }
}
