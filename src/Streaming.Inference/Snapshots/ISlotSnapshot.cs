using Streaming.Inference.Caching;

namespace Streaming.Inference.Snapshots;

/// <summary>
/// A copy of a slot's tensors and counters. Decoding continues from it bit for bit, also in another process. A device captures or
/// reads it; a decode job restores it. Its memory is native: dispose it.
/// </summary>
public interface ISlotSnapshot : IDisposable
{
    /// <summary>The conversation's branch.</summary>
    int Branch { get; }

    /// <summary>Stream position of the next token to feed.</summary>
    long Position { get; }

    /// <summary>How the slot was used.</summary>
    CacheLayout Layout { get; }

    /// <summary>Hash of all ids of the stream before <see cref="Position"/>.</summary>
    StreamHash Hash { get; }

    /// <summary>Bytes that <see cref="WriteAsync"/> writes.</summary>
    long Length { get; }

    /// <summary>Writes the snapshot in its format (docs/snapshots.md), in blocks.</summary>
    Task WriteAsync(Stream to, CancellationToken cancellation = default);
}

/// <summary>
/// The data read is not a snapshot that this device can restore. No slot changed; the message is a sentence that says why.
/// </summary>
public sealed class SnapshotRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SnapshotRefusedException(string message, bool isDamaged, Exception? inner = null)
        : base(message, inner) => IsDamaged = isDamaged;

    /// <summary>Whether the data is damaged; otherwise another checkpoint, device or version could restore it.</summary>
    public bool IsDamaged { get; }
}
