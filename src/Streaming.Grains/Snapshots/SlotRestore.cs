using Microsoft.Extensions.Logging;
using Streaming.Contracts.Workers;
using Streaming.Inference.Batching;
using Streaming.Inference.Snapshots;
using Streaming.Storage.Snapshots;

namespace Streaming.Grains.Snapshots;

/// <summary>
/// Finds the newest snapshot from which a request can continue, and the tokens to prefill after it. Snapshots that are damaged, of
/// another device or of another stream than the log's are skipped and logged; without a snapshot the slot is rebuilt from the log.
/// </summary>
internal sealed partial class SlotRestore(
    ISnapshotStore store,
    SlotRebuild rebuild,
    SnapshotKeeper keeper,
    TimeProvider time,
    ILogger<SlotRestore> logger
)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The snapshot, which the caller disposes, and the tokens from its position to the end of the request's feed; or, when no snapshot
    /// fits, a sentence that says why the newest one does not.
    /// </summary>
    public async Task<(ISlotSnapshot? Snapshot, IReadOnlyList<TokenRun> Input, string Reason)> FindAsync(
        DecodeRequest request,
        IDecodeDevice device,
        CancellationToken cancellation
    )
    {
        if (keeper.Interval == 0)
            return (null, [], "No snapshots are taken.");
        if (request.StreamHash is null)
            return (null, [], "The log does not know the stream's hash.");
        string? reason = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Timeout);
        try
        {
            long end = request.From + request.Feed.Length;
            foreach (SnapshotName name in await store.ListAsync(request.ConversationId, limit.Token))
            {
                if (WhyUnfit(name, request, end, device) is { } unfit)
                    reason ??= unfit;
                else if (await TryAsync(name, request, end, device, limit.Token) is (ISlotSnapshot snapshot, IReadOnlyList<TokenRun> since))
                    return (snapshot, since, "");
                else
                    reason ??= $"The snapshot at position {name.Position} is refused.";
            }
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested) // the edge: the log suffices
        {
            LogUnavailable(request.ConversationId, e);
            reason = "Its snapshots cannot be read.";
        }
        return (null, [], reason ?? "It has no snapshot.");
    }

    /// <summary>Why a snapshot is not worth reading: it holds no beginning of the stream, or is no shortcut.</summary>
    private static string? WhyUnfit(SnapshotName name, DecodeRequest request, long end, IDecodeDevice device)
    {
        if (name.Branch != request.Branch || name.Position >= end)
            return $"The snapshot at position {name.Position} of branch {name.Branch} holds no beginning of the stream.";
        int rebuilt = device.RebuildLength(request.Window);
        return end - name.Position > rebuilt
            ? $"After the snapshot at position {name.Position}, {end - name.Position} tokens would be prefilled; a rebuild needs {rebuilt}."
            : null;
    }

    private async Task<(ISlotSnapshot, IReadOnlyList<TokenRun>)?> TryAsync(
        SnapshotName name,
        DecodeRequest request,
        long end,
        IDecodeDevice device,
        CancellationToken cancellation
    )
    {
        long start = time.GetTimestamp();
        ISlotSnapshot? snapshot = null;
        try
        {
            await using (Stream? stream = await store.OpenAsync(name, cancellation))
            {
                if (stream is null)
                    return null;
                snapshot = await device.ReadSnapshotAsync(stream, cancellation);
            }
            bool isNamed =
                (snapshot.Branch, snapshot.Position) == (name.Branch, name.Position)
                && (snapshot.Layout.Fixed, snapshot.Layout.Window) == (request.Fixed, request.Window);
            IReadOnlyList<TokenRun> since = await rebuild.IdsAsync(request, name.Position, end, cancellation);
            StreamHash hash = since.Aggregate(snapshot.Hash, (hash, run) => hash.Append(run.Ids.Span));
            if (!isNamed || hash.Value != request.StreamHash)
                throw new SnapshotRefusedException("It is of another stream than the log's.", isDamaged: true);
            double milliseconds = time.GetElapsedTime(start).TotalMilliseconds;
            LogRestored(request.ConversationId, name.Position, end - name.Position, snapshot.Length, milliseconds);
            (ISlotSnapshot, IReadOnlyList<TokenRun>) restored = (snapshot, since);
            snapshot = null;
            return restored;
        }
        catch (SnapshotRefusedException e)
        {
            if (!e.IsDamaged)
            {
                LogForeign(request.ConversationId, name.Position, e.Message);
                return null;
            }
            LogDamaged(request.ConversationId, name.Position, e.Message);
            await store.RemoveAsync(name, cancellation);
            return null;
        }
        finally
        {
            snapshot?.Dispose();
        }
    }

    [LoggerMessage(
        LogLevel.Information,
        "Conversation {ConversationId}: its slot is restored from a snapshot at position {Position}, "
            + "then {Tokens} tokens are prefilled; {Bytes} bytes were read in {Milliseconds:F0} ms."
    )]
    private partial void LogRestored(string conversationId, long position, long tokens, long bytes, double milliseconds);

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId}: the snapshot at position {Position} does not fit here. {Reason}")]
    private partial void LogForeign(string conversationId, long position, string reason);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: the snapshot at position {Position} is refused and removed. {Reason}")]
    private partial void LogDamaged(string conversationId, long position, string reason);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: its snapshots cannot be read; its slot is rebuilt from the log.")]
    private partial void LogUnavailable(string conversationId, Exception exception);
}
