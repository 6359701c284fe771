using System.Buffers;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Hub;

/// <summary>
/// Texts of calls, strictly: what is no valid Unicode is refused. Decoders that replace it would give two different texts, and so two
/// different ids, the same value.
/// </summary>
internal static class WireText
{
    /// <summary>Decodes a text.</summary>
    /// <param name="utf8">The text's bytes.</param>
    /// <param name="isEscaped">Whether it has JSON's escapes, which the JSON reader has checked.</param>
    /// <exception cref="InvalidTextException">It has a lone surrogate, or bytes that are not UTF-8.</exception>
    public static string Decode(in ReadOnlySequence<byte> utf8, bool isEscaped = false)
    {
        ReadOnlySpan<byte> bytes = utf8.IsSingleSegment ? utf8.FirstSpan : utf8.ToArray();
        char[] characters = new char[bytes.Length];
        OperationStatus status = Utf8.ToUtf16(bytes, characters, out _, out int length, replaceInvalidSequences: false);
        string text = new(characters, 0, length);
        if (isEscaped)
            text = Regex.Unescape(text); // JSON's escapes mean the same in a regular expression.
        int place = RequestRules.UnpairedSurrogate(text);
        if (place < 0 && status != OperationStatus.Done)
            place = text.Length;
        return place < 0 ? text : throw new InvalidTextException(place);
    }
}

/// <summary>A text of a call is not valid Unicode; the message is a sentence for the caller.</summary>
internal sealed class InvalidTextException(int place)
    : Exception($"A text of this call has half a character at place {place}: send whole characters, as valid Unicode.");
