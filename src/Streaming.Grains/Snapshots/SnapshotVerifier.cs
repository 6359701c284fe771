using Streaming.Grains.Persistence;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Log;

namespace Streaming.Grains.Snapshots;

/// <summary>
/// Checks that a snapshot's stream is the log's. The head holds a rolling hash of all ids of the log, so the few ids after the
/// snapshot's position verify all before it, however long the stream is.
/// </summary>
internal sealed class SnapshotVerifier(IConversationLog log, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(400);

    /// <summary>
    /// Waits, for at most ten seconds, until the log holds the snapshot's stream and the token after it, with which decoding
    /// continues. False when it never does, when its ids differ, or when the conversation is on another branch or deleted.
    /// </summary>
    public async Task<bool> IsInLogAsync(string conversationId, ISlotSnapshot snapshot, CancellationToken cancellation)
    {
        DateTimeOffset end = time.GetUtcNow() + Timeout;
        for (TimeSpan pause = FirstPause; ; pause = pause < LongestPause ? 2 * pause : LongestPause)
        {
            if (
                await log.ReadHeadAsync(conversationId, cancellation).ConfigureAwait(false) is not { HiddenAt: null } head
                || head.Branch != snapshot.Branch
            )
                return false;
            if (head.Position > snapshot.Position)
            {
                int[] since = await log.ReadIdsAsync(conversationId, head.Branch, snapshot.Position, head.Position, cancellation)
                    .ConfigureAwait(false);
                return SessionState.Parse(head.State).StreamHash == snapshot.Hash.Append(since).Value;
            }
            if (time.GetUtcNow() >= end)
                return false;
            await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
        }
    }
}
