using System.Buffers;
using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// Converts sampled ids into text that can be shown: whole characters, and nothing from a stop string on. A stream that is resumed from
/// its <see cref="State"/> gives exactly the same text.
/// </summary>
public sealed class TextStream
{
    private readonly IVocabulary _vocabulary;
    private readonly IReadOnlyList<string> _stop;
    private readonly IReadOnlyList<int> _stopIds;
    private readonly byte[] _pending = new byte[MaxPendingBytes];
    private const int MaxPendingBytes = 3; // a character has at most four bytes in UTF-8
    private int _pendingLength;
    private string _heldBack;
    private bool _atFirst;

    /// <summary>Begins or resumes a stream.</summary>
    /// <param name="vocabulary">The bytes of each token.</param>
    /// <param name="state">The earlier stream's state; <see cref="TextState.Empty"/> for a new one.</param>
    /// <param name="stop">Stop strings, which end the stream and are not shown.</param>
    /// <param name="beginsText">
    /// Whether the next token is the first of a text of its own, which lacks the space that SentencePiece writes before a word.
    /// </param>
    /// <exception cref="InputException">A stop string is impossible.</exception>
    public TextStream(IVocabulary vocabulary, TextState state, IReadOnlyList<string> stop, bool beginsText = false)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(stop);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(state.PendingBytes.Length, MaxPendingBytes, nameof(state));
        _vocabulary = vocabulary;
        (_stop, _stopIds) = StopStrings.Parse(stop, vocabulary);
        _atFirst = beginsText;
        state.PendingBytes.Span.CopyTo(_pending);
        _pendingLength = state.PendingBytes.Length;
        _heldBack = state.HeldBack;
    }

    /// <summary>Whether a stop string has ended the text.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The pending part of the text.</summary>
    public TextState State =>
        _pendingLength == 0 && _heldBack.Length == 0
            ? TextState.Empty
            : new TextState(_pending.AsSpan(0, _pendingLength).ToArray(), _heldBack);

    /// <summary>Appends a token; returns the text that can be shown now, often one word, sometimes empty.</summary>
    public string Append(int id)
    {
        ReadOnlyMemory<byte> bytes = _atFirst ? _vocabulary.FirstBytesOf(id) : _vocabulary.BytesOf(id);
        _atFirst = false;
        return Stopped ? "" : Show(Decode(bytes.Span));
    }

    /// <summary>Whether a token is a control token that a stop string names: the text ends before it, as before an end token.</summary>
    public bool IsStop(int id) => _stopIds.Contains(id);

    /// <summary>
    /// Ends the stream; returns the rest of its text: the text that was held back, and U+FFFD for an incomplete character.
    /// </summary>
    public string Flush()
    {
        if (Stopped)
            return "";
        string rest = Show(_pendingLength > 0 ? "\uFFFD" : "") + _heldBack;
        _pendingLength = 0;
        _heldBack = "";
        return rest;
    }

    /// <summary>Decodes the whole characters of the pending bytes and these; bytes of an incomplete last one stay pending.</summary>
    private string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return "";
        byte[]? joined = _pendingLength > 0 ? [.. _pending.AsSpan(0, _pendingLength), .. bytes] : null;
        ReadOnlySpan<byte> all = joined ?? bytes;
        _pendingLength = IncompleteTail(all);
        all[^_pendingLength..].CopyTo(_pending);
        return Encoding.UTF8.GetString(all[..^_pendingLength]);
    }

    /// <summary>Number of last bytes that begin an incomplete character, 0 to 3.</summary>
    private static int IncompleteTail(ReadOnlySpan<byte> bytes)
    {
        for (int length = 1; length <= Math.Min(MaxPendingBytes, bytes.Length); length++)
        {
            bool continues = (bytes[^length] & 0xC0) == 0x80;
            if (!continues)
                return Rune.DecodeFromUtf8(bytes[^length..], out _, out _) == OperationStatus.NeedMoreData ? length : 0;
        }
        return 0;
    }

    private string Show(string decoded)
    {
        if (_stop.Count == 0 && _heldBack.Length == 0)
            return decoded;
        string text = _heldBack + decoded;
        int match = FirstMatch(text);
        if (match >= 0)
        {
            Stopped = true;
            _pendingLength = 0;
            _heldBack = "";
            return text[..match];
        }
        int held = LongestBeginning(text);
        _heldBack = text[^held..];
        return text[..^held];
    }

    /// <summary>
    /// Index of the stop string that ends first (the longer one of two that end together), or -1. The end decides, so that the result
    /// does not depend on how the text is split into tokens.
    /// </summary>
    private int FirstMatch(string text)
    {
        int start = -1,
            end = int.MaxValue;
        foreach (string stop in _stop)
        {
            int found = text.IndexOf(stop, StringComparison.Ordinal);
            if (found < 0 || found + stop.Length > end || (found + stop.Length == end && found > start))
                continue;
            start = found;
            end = found + stop.Length;
        }
        return start;
    }

    /// <summary>Length of the longest suffix of the text that is a prefix of a stop string.</summary>
    private int LongestBeginning(string text)
    {
        int longest = 0;
        foreach (string stop in _stop)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                    longest = length;
            }
        }
        return longest;
    }
}
