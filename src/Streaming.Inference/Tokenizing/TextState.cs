namespace Streaming.Inference.Tokenizing;

/// <summary>
/// What a streamed text still owes: the bytes of a character that is not complete, and text that may be the beginning
/// of a stop string. Together with the ids from here on it gives exactly the text that an uninterrupted reply gives.
/// </summary>
/// <param name="PendingBytes">Bytes of an incomplete UTF-8 sequence, at most 3.</param>
/// <param name="HeldBack">Decoded text that is not shown yet.</param>
public sealed record TextState(ReadOnlyMemory<byte> PendingBytes, string HeldBack)
{
    /// <summary>Nothing pending, nothing held back.</summary>
    public static readonly TextState Empty = new(ReadOnlyMemory<byte>.Empty, "");

    /// <summary>Whether nothing is pending and nothing held back.</summary>
    public bool IsEmpty => PendingBytes.IsEmpty && HeldBack.Length == 0;
}
