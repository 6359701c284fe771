using Streaming.Contracts.Workers;
using Streaming.Grains.Persistence;
using Streaming.Inference.Batching;
using Streaming.Storage.Log;

namespace Streaming.Grains.Snapshots;

/// <summary>
/// Reads the ids that rebuild a slot. A stream's tensors are a function of its fixed part and its last L(W-1)+1 tokens
/// (docs/architecture.md, "The sink cache"), so only these are read from the log, however long the stream is.
/// </summary>
internal sealed class SlotRebuild(IConversationLog log, TimeProvider time)
{
    /// <summary>The fixed part, then the end of the stream up to the last id of the request's feed.</summary>
    /// <param name="request">The request.</param>
    /// <param name="rebuildLength">Tokens from the end of the stream that are needed, L(W-1)+1.</param>
    /// <param name="cancellation">Cancels reading.</param>
    public async Task<IReadOnlyList<TokenRun>> InputAsync(DecodeRequest request, int rebuildLength, CancellationToken cancellation)
    {
        long end = request.From + request.Feed.Length;
        long tail = Math.Max(request.Fixed, end - rebuildLength);
        return
        [
            .. await IdsAsync(request, 0, Math.Min(request.Fixed, end), cancellation),
            .. await IdsAsync(request, tail, end, cancellation),
        ];
    }

    /// <summary>
    /// The stream's ids in [from, to), at most to the end of the request's feed. Those before the feed are read from the log.
    /// </summary>
    public async Task<IReadOnlyList<TokenRun>> IdsAsync(DecodeRequest request, long from, long to, CancellationToken cancellation)
    {
        var runs = new List<TokenRun>(2);
        long border = Math.Clamp(request.From, from, Math.Max(from, to));
        if (from < border)
        {
            runs.Add(
                new TokenRun(
                    from,
                    await time.UntilReadAsync(
                        () => log.ReadIdsAsync(request.ConversationId, request.Branch, from, border, cancellation),
                        cancellation
                    )
                )
            );
        }
        if (border < to)
            runs.Add(new TokenRun(border, request.Feed.AsMemory((int)(border - request.From), (int)(to - border))));
        return runs;
    }
}
