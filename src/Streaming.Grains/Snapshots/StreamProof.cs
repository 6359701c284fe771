using Streaming.Grains.Conversations;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Log;

namespace Streaming.Grains.Snapshots;

/// <summary>
/// Whether a snapshot's stream is the log's. The head's state holds a rolling hash of all ids of the log, so the few ids since the
/// snapshot prove what is before it, however long the stream is.
/// </summary>
internal sealed class StreamProof(IConversationLog log, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(400);

    /// <summary>
    /// Waits, for ten seconds at most, until the log holds a snapshot's position and the token after it, which decoding goes on with.
    /// False when it does not, when its ids are others, or when the conversation is on another branch or deleted.
    /// </summary>
    public async Task<bool> HoldsAsync(string conversationId, ISlotSnapshot snapshot, CancellationToken cancellation)
    {
        DateTimeOffset end = time.GetUtcNow() + Patience;
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
