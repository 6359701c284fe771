using System.Buffers;
using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// Turns sampled ids into text that may be shown, in whole characters and never beyond a stop string. What it owes at any
/// time is its <see cref="State"/>; a stream begun from there gives exactly what this one would have given.
/// </summary>
public sealed class TextStream
{
    private readonly IVocabulary _vocabulary;
    private readonly IReadOnlyList<string> _stop;
    private readonly byte[] _pending = new byte[MostPendingBytes];
    private const int MostPendingBytes = 3; // UTF-8 has at most four bytes a character
    private int _pendingLength;
    private string _heldBack;

    /// <summary>Begins a stream, or goes on with one.</summary>
    /// <param name="vocabulary">What each token says.</param>
    /// <param name="state">What the text owes from before; <see cref="TextState.Empty"/> at the beginning.</param>
    /// <param name="stop">Texts that end the stream; they are not shown.</param>
    /// <exception cref="InputException">A stop string is empty or contains half a surrogate pair.</exception>
    public TextStream(IVocabulary vocabulary, TextState state, IReadOnlyList<string> stop)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(stop);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(state.PendingBytes.Length, MostPendingBytes, nameof(state));
        foreach (string text in stop)
        {
            if (string.IsNullOrEmpty(text))
                throw new InputException("A stop string is empty, which would end every reply at once: leave it out.");
            UnicodeText.Require(text, "A stop string");
        }
        _vocabulary = vocabulary;
        _stop = stop;
        state.PendingBytes.Span.CopyTo(_pending);
        _pendingLength = state.PendingBytes.Length;
        _heldBack = state.HeldBack;
    }

    /// <summary>Whether a stop string was met; from then on there is no more text.</summary>
    public bool Stopped { get; private set; }

    /// <summary>What the text still owes.</summary>
    public TextState State =>
        _pendingLength == 0 && _heldBack.Length == 0
            ? TextState.Empty
            : new TextState(_pending.AsSpan(0, _pendingLength).ToArray(), _heldBack);

    /// <summary>Takes one more token; answers the text that may be shown now, often one word, sometimes none.</summary>
    public string Append(int id) => Stopped ? "" : Show(Decode(_vocabulary.BytesOf(id).Span));

    /// <summary>
    /// Ends the stream; answers the rest of its text: what was held back and did not become a stop string, and U+FFFD for a
    /// character that was never completed.
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

    /// <summary>The whole characters of the pending bytes and these; the bytes of an incomplete last one stay pending.</summary>
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

    /// <summary>How many of the last bytes begin a character that more bytes could complete, 0 to 3.</summary>
    private static int IncompleteTail(ReadOnlySpan<byte> bytes)
    {
        for (int length = 1; length <= Math.Min(MostPendingBytes, bytes.Length); length++)
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
    /// Where the stop string begins that is complete first (the longer of two that end together), or -1. Deciding by the end
    /// makes the answer the same however the text was cut into tokens.
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

    /// <summary>The length of the longest end of the text that is a beginning of a stop string.</summary>
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
