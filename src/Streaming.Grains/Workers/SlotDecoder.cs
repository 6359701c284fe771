using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Snapshots;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Grains.Workers;

/// <summary>Decodes in a slot that was granted: makes the slot hold the request's stream, then translates the device's outputs.</summary>
internal sealed partial class SlotDecoder(
    IDecodeDevice device,
    SlotRebuild rebuild,
    SlotRestore restore,
    SnapshotKeeper snapshots,
    ILogger log
)
{
    /// <summary>Decodes until the reply ends or the lease has an outcome; keeps the slot's content and its snapshots up to date.</summary>
    /// <param name="request">The request.</param>
    /// <param name="lease">A lease with a slot.</param>
    /// <param name="cancellation">Cancels decoding.</param>
    public async IAsyncEnumerable<DecodeUpdate> DecodeAsync(
        DecodeRequest request,
        SlotLease lease,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        DeviceSlot slot = lease.Slot!;
        var content = new SlotContent(request.ConversationId, request.Branch, new CacheLayout(request.Fixed, request.Window), request.From);
        bool continues = slot.Content == content && request.Feed.Length <= device.RebuildLength(request.Window);
        slot.Content = null; // It is unknown until the decode job has ended normally.
        using SlotInput input = continues ? new([new TokenRun(request.From, request.Feed)]) : await PrepareAsync(request, cancellation);
        if (lease.Outcome is { } outcome)
        {
            yield return outcome;
            yield break;
        }

        long end = request.From + request.Feed.Length,
            fed = end - 1,
            captured = fed;
        await foreach (DecodeOutput output in device.DecodeAsync(JobOf(request, slot, content.Layout, input), cancellation))
        {
            input.Dispose(); // The slot holds the snapshot.
            if (output is TokenSampled)
                fed++;
            if (lease.Released.IsCompleted)
                yield break; // A newer epoch took over, and the slot belongs to another decode job.
            if (output is DecodeEnded && fed >= end)
                slot.Content = content with { Fed = fed };
            if (fed > captured && (output is DecodeEnded || fed - captured == snapshots.Interval))
            {
                snapshots.Take(device, slot.Index, request.ConversationId);
                captured = fed;
            }
            // A reply that is handed back has not ended: the text that is held back is in the last token's state.
            yield return output is DecodeEnded { Reason: EndReason.Stopped } && lease.Outcome is HandedBack back ? back : Translate(output);
        }
    }

    private async Task<SlotInput> PrepareAsync(DecodeRequest request, CancellationToken cancellation)
    {
        if (await restore.FindAsync(request, device, cancellation) is { } restored)
            return new SlotInput(restored.Input, restored.Snapshot);
        if (request.From > 0)
            LogRebuilt(request.ConversationId, request.From);
        return new SlotInput(await rebuild.InputAsync(request, device.RebuildLength(request.Window), cancellation), Reset: true);
    }

    private static DecodeJob JobOf(DecodeRequest request, DeviceSlot slot, CacheLayout layout, SlotInput input) =>
        new()
        {
            Slot = slot.Index,
            Layout = layout,
            Reset = input.Reset,
            Snapshot = input.Snapshot,
            Input = input.Runs,
            Sampling = request.Sampling.ToParameters(),
            Branch = request.Branch,
            AlreadyGenerated = request.AlreadyGenerated,
            Text = new TextState(request.PendingBytes, request.HeldBack),
            BeginsText = true,
            StreamHash = request.StreamHash is { } hash ? new StreamHash(hash) : null,
        };

    private static DecodeUpdate Translate(DecodeOutput output) =>
        output switch
        {
            PrefillProgress read => new InputProgress((double)read.Done / read.Total),
            TokenSampled token => new TokenDecoded(token.Id, token.Text, token.State.PendingBytes.ToArray(), token.State.HeldBack),
            DecodeEnded end => new ReplyEnded(
                end.Reason switch
                {
                    EndReason.Stop => FinishReason.Stop,
                    EndReason.Length => FinishReason.Length,
                    EndReason.Interrupted => FinishReason.Interrupted,
                    _ => FinishReason.Stopped,
                },
                end.Text,
                end.InputTokens,
                end.InputTime.TotalMilliseconds,
                end.DecodeTime.TotalMilliseconds
            ),
            _ => throw new InvalidOperationException($"A device's output of type {output.GetType().Name} is unknown."),
        };

    /// <summary>The start of a decode job: the ids to feed, after a snapshot is loaded, the slot is reset, or neither.</summary>
    private sealed record SlotInput(IReadOnlyList<TokenRun> Runs, ISlotSnapshot? Snapshot = null, bool Reset = false) : IDisposable
    {
        public void Dispose() => Snapshot?.Dispose();
    }

    [LoggerMessage(LogLevel.Information, "Conversation {ConversationId}: its slot is rebuilt from the log at position {Position}.")]
    private partial void LogRebuilt(string conversationId, long position);
}
