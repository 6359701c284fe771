namespace Streaming.Inference.Tokenizing;

/// <summary>
/// The pending part of a streamed text: bytes of an incomplete character, and text that may begin a stop string. With it, a resumed
/// reply gives exactly the text of an uninterrupted one.
/// </summary>
/// <param name="PendingBytes">Bytes of an incomplete UTF-8 sequence, at most 3.</param>
/// <param name="HeldBack">Decoded text that may begin a stop string.</param>
public sealed record TextState(ReadOnlyMemory<byte> PendingBytes, string HeldBack)
{
    /// <summary>Nothing is pending or held back.</summary>
    public static readonly TextState Empty = new(ReadOnlyMemory<byte>.Empty, "");

    /// <summary>Whether nothing is pending or held back.</summary>
    public bool IsEmpty => PendingBytes.IsEmpty && HeldBack.Length == 0;
}
