namespace Streaming.Storage.Snapshots;

/// <summary>
/// Stores snapshots of slots: shortcuts, from which a slot is restored sooner than from the log alone. Any of them may be missing at any
/// time, and nothing is lost. The store does not interpret their bytes. Every store passes the same contract tests. A store that does not
/// answer throws <see cref="SnapshotUnavailableException"/>.
/// </summary>
public interface ISnapshotStore
{
    /// <summary>
    /// Stores a snapshot. It is invisible until it is written completely and <paramref name="mayPublish"/> agrees. It then replaces the
    /// conversation's older snapshots. An interruption at any moment leaves nothing that could be taken for a snapshot.
    /// </summary>
    /// <param name="name">The name; a snapshot of the same name is replaced.</param>
    /// <param name="length">The length in bytes.</param>
    /// <param name="write">Writes exactly <paramref name="length"/> bytes.</param>
    /// <param name="mayPublish">Called once, when all is written; decides whether the snapshot is published.</param>
    /// <param name="cancellation">Ends the work; the snapshot is then either published or absent.</param>
    /// <returns>Whether it was published.</returns>
    Task<bool> WriteAsync(
        SnapshotName name,
        long length,
        Func<Stream, CancellationToken, Task> write,
        Func<CancellationToken, Task<bool>> mayPublish,
        CancellationToken cancellation = default
    );

    /// <summary>A conversation's snapshots, at most a few, newest first: by branch, then by position, descending.</summary>
    Task<IReadOnlyList<SnapshotName>> ListAsync(string conversationId, CancellationToken cancellation = default);

    /// <summary>A snapshot's bytes, to be read once from the beginning; null if there is none of this name.</summary>
    Task<Stream?> OpenAsync(SnapshotName name, CancellationToken cancellation = default);

    /// <summary>Removes a snapshot. If there is none of this name, there is no effect.</summary>
    Task RemoveAsync(SnapshotName name, CancellationToken cancellation = default);

    /// <summary>Removes all snapshots of a conversation, if there are any.</summary>
    Task EraseAsync(string conversationId, CancellationToken cancellation = default);
}

/// <summary>The name of a snapshot.</summary>
/// <param name="ConversationId">The conversation.</param>
/// <param name="Branch">The branch; 0 or more.</param>
/// <param name="Position">The stream position of the next token to feed; 0 or more.</param>
public sealed record SnapshotName(string ConversationId, int Branch, long Position)
{
    /// <summary>Whether this snapshot is of a later branch or position than another of the same conversation.</summary>
    public bool IsNewerThan(SnapshotName other) => (Branch, Position).CompareTo((other.Branch, other.Position)) > 0;
}

/// <summary>The snapshot store did not do what was asked; no partial snapshot is visible.</summary>
public sealed class SnapshotUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
