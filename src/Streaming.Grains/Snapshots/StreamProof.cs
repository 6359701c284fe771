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
    private const int Attempts = 40;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Waits, for ten seconds at most, until the log holds a snapshot's position and the token after it, which decoding goes on with.
    /// False when it does not, when its ids are others, or when the conversation is on another branch or deleted.
    /// </summary>
    public async Task<bool> HoldsAsync(string conversationId, ISlotSnapshot snapshot, CancellationToken cancellation)
    {
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            if (await log.ReadHeadAsync(conversationId, cancellation).ConfigureAwait(false) is not { HiddenAt: null } head || head.Branch != snapshot.Branch)
                return false;
            if (head.Position > snapshot.Position)
            {
                int[] since = await log.ReadIdsAsync(conversationId, head.Branch, snapshot.Position, head.Position, cancellation).ConfigureAwait(false);
                return SessionState.Parse(head.State).StreamHash == snapshot.Hash.Append(since).Value;
            }
            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
        return false;
    }
}
