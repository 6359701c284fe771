namespace Streaming.Storage.Snapshots;

/// <summary>
/// Where snapshots of slots lie: shortcuts, from which a conversation comes back sooner than from its log alone. Any of them may be
/// missing at any time, and nothing is lost by it. What is in one is its writer's own; one suite of contract tests holds for every store.
/// A store that does not answer throws <see cref="SnapshotUnavailableException"/>.
/// </summary>
public interface ISnapshotStore
{
    /// <summary>
    /// Stores a snapshot. Nobody sees it before it is written whole and <paramref name="mayPublish"/> has agreed; then it takes the
    /// place of the conversation's older ones, which are removed. Interrupted at any moment, it leaves nothing that is taken for a snapshot.
    /// </summary>
    /// <param name="name">Its name; one of the same name is replaced.</param>
    /// <param name="length">Bytes that it has.</param>
    /// <param name="write">Writes exactly so many bytes.</param>
    /// <param name="mayPublish">Asked once, when all is written: whether it may be seen.</param>
    /// <param name="cancellation">Ends the work; it is then published or not there.</param>
    /// <returns>Whether it was published.</returns>
    Task<bool> WriteAsync(
        SnapshotName name,
        long length,
        Func<Stream, CancellationToken, Task> write,
        Func<CancellationToken, Task<bool>> mayPublish,
        CancellationToken cancellation = default
    );

    /// <summary>A conversation's snapshots, the newest first: the latest branch, there the furthest position. At most a few.</summary>
    Task<IReadOnlyList<SnapshotName>> ListAsync(string conversationId, CancellationToken cancellation = default);

    /// <summary>A snapshot's bytes, to be read once from the beginning; null when it is not there.</summary>
    Task<Stream?> OpenAsync(SnapshotName name, CancellationToken cancellation = default);

    /// <summary>Removes a snapshot. Not there: no effect.</summary>
    Task RemoveAsync(SnapshotName name, CancellationToken cancellation = default);

    /// <summary>Removes all snapshots of a conversation. None there: no effect.</summary>
    Task EraseAsync(string conversationId, CancellationToken cancellation = default);
}

/// <summary>Names a snapshot by what it holds.</summary>
/// <param name="ConversationId">Whose stream.</param>
/// <param name="Branch">On which branch; 0 or more.</param>
/// <param name="Position">The stream position of the next token to feed; 0 or more.</param>
public sealed record SnapshotName(string ConversationId, int Branch, long Position)
{
    /// <summary>Whether this one, of the same conversation, is taken later than another.</summary>
    public bool IsNewerThan(SnapshotName other) => (Branch, Position).CompareTo((other.Branch, other.Position)) > 0;
}

/// <summary>The store of snapshots did not do what was asked; a snapshot is there or not, as before.</summary>
public sealed class SnapshotUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
