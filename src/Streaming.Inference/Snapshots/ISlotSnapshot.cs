using Streaming.Inference.Caching;

namespace Streaming.Inference.Snapshots;

/// <summary>
/// A slot's tensors and counters, apart from the device: decoding goes on from it bit for bit, also in another process. Taken by
/// a device, read by a device of the same kind, given back to a slot by
/// a decode job. Its memory is not the garbage collector's: dispose it.
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

    /// <summary>Writes it in its format (docs/snapshots.md), piece by piece.</summary>
    Task WriteAsync(Stream to, CancellationToken cancellation = default);
}

/// <summary>What was read is no snapshot that goes on here; nothing was changed. The message is a sentence that says why.</summary>
public sealed class SnapshotRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SnapshotRefusedException(string message, bool isDamaged, Exception? inner = null)
        : base(message, inner) => IsDamaged = isDamaged;

    /// <summary>It is of no use to anybody; else another checkpoint, device or program may take it.</summary>
    public bool IsDamaged { get; }
}
