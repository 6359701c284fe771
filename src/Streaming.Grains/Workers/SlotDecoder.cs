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

/// <summary>
/// Decodes in the slots that a lease is granted: makes the first one hold the request's stream, translates the device's outputs, and
/// goes on after each preemption.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="slots">Its slots.</param>
/// <param name="rebuild">Fills slots from the log.</param>
/// <param name="restore">Fills slots from stored snapshots.</param>
/// <param name="snapshots">Stores snapshots.</param>
/// <param name="preemptedBytes">Bytes of snapshots in memory of replies that gave their slot up.</param>
/// <param name="log">For log messages.</param>
internal sealed partial class SlotDecoder(
    IDecodeDevice device,
    SlotTable slots,
    SlotRebuild rebuild,
    SlotRestore restore,
    SnapshotKeeper snapshots,
    long preemptedBytes,
    ILogger log
)
{
    /// <summary>Decodes until the reply ends or the lease has an outcome; keeps the slots' content and its snapshots up to date.</summary>
    /// <param name="request">The request.</param>
    /// <param name="lease">A lease, with a slot or waiting.</param>
    /// <param name="cancellation">Cancels decoding.</param>
    public async IAsyncEnumerable<DecodeUpdate> DecodeAsync(
        DecodeRequest request,
        SlotLease lease,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        long end = request.From + request.Feed.Length,
            fed = end - 1,
            captured = fed;
        while (true)
        {
            await foreach (SlotQueued queued in lease.WaitAsync(cancellation))
                yield return queued;
            if (lease.Released.IsCompleted)
                yield break; // A newer epoch took over.
            if (lease.Slot is not { } slot)
            {
                yield return await EndWaitingAsync(lease, cancellation);
                yield break;
            }
            if (request.WaitsForBegin && !lease.MayBegin)
            {
                yield return new SlotGranted();
                await lease.UntilMayBeginAsync(cancellation);
                if (lease.Outcome is { } ended)
                {
                    yield return ended;
                    yield break;
                }
            }
            DecodePreempted? resumed = lease.Resume();
            using SlotInput input = resumed is null
                ? await FillAsync(request, slot, cancellation)
                : new(resumed.Rest.Input, resumed.Rest.Snapshot);
            slot.Content = null; // It is unknown until the decode job has ended normally.
            if (lease.Outcome is { } outcome)
            {
                yield return resumed is null ? outcome : Ended(outcome, resumed);
                yield break;
            }
            var content = new SlotContent(request.ConversationId, request.Branch, new CacheLayout(request.Fixed, request.Window), 0);
            DecodeJob job = resumed is null ? JobOf(request, slot, content.Layout, input) : resumed.Rest with { Slot = slot.Index };
            var unread = new InputCount(job, resumed);
            DecodePreempted? preempted = null;
            await foreach (DecodeOutput output in device.DecodeAsync(job, cancellation))
            {
                input.Dispose(); // The slot holds the snapshot.
                if (output is TokenSampled)
                    fed++;
                if (lease.Released.IsCompleted)
                {
                    (output as DecodePreempted)?.Rest.Snapshot?.Dispose();
                    yield break; // A newer epoch took over, and the slot belongs to another decode job.
                }
                if (output is DecodePreempted gaveUp)
                {
                    preempted = gaveUp;
                    break;
                }
                lease.Charge(unread.TokensOf(output));
                if (output is DecodeEnded && fed >= end)
                    slot.Content = content with { Fed = fed };
                if (fed > captured && (output is DecodeEnded || fed - captured == snapshots.Interval))
                {
                    snapshots.Take(device, slot.Index, request.ConversationId);
                    captured = fed;
                }
                // A reply that is handed back has not ended: the text that is held back is in the last token's state.
                yield return output is DecodeEnded { Reason: EndReason.Stopped } && lease.Outcome is HandedBack back
                    ? back
                    : Translate(output);
            }
            if (preempted is null)
                yield break;
            bool isStorable = preempted.IsComplete && snapshots.Interval > 0;
            if (isStorable)
                slot.Content = content with { Fed = preempted.Rest.Snapshot!.Position };
            lease.Yield(preempted);
            // One that the store cannot take stays in memory: without it, the reply could never get further than a slice.
            if (lease.Slot is null && isStorable && slots.PreemptedBytes > preemptedBytes)
                lease.HandBack(isFull: true);
        }
    }

    /// <summary>The end of a lease that waits: a reply that is handed back continues from its snapshot, which is stored first.</summary>
    private async Task<DecodeUpdate> EndWaitingAsync(SlotLease lease, CancellationToken cancellation)
    {
        if (lease.Resume() is not { } preempted)
            return lease.Outcome!;
        if (lease.Outcome is HandedBack && preempted.IsComplete)
            await snapshots.KeepAsync(preempted.Rest.Snapshot!, lease.ConversationId, cancellation);
        else
            preempted.Rest.Snapshot?.Dispose();
        return Ended(lease.Outcome!, preempted);
    }

    private static DecodeUpdate Ended(DecodeUpdate outcome, DecodePreempted preempted) =>
        outcome is ReplyEnded end ? (ReplyEnded)Translate(preempted.Stopped) with { FinishReason = end.FinishReason } : outcome;

    private async Task<SlotInput> FillAsync(DecodeRequest request, DeviceSlot slot, CancellationToken cancellation)
    {
        var content = new SlotContent(request.ConversationId, request.Branch, new CacheLayout(request.Fixed, request.Window), request.From);
        bool continues = slot.Content == content && request.Feed.Length <= device.RebuildLength(request.Window);
        slot.Content = null;
        return continues ? new SlotInput([new TokenRun(request.From, request.Feed)]) : await PrepareAsync(request, cancellation);
    }

    private async Task<SlotInput> PrepareAsync(DecodeRequest request, CancellationToken cancellation)
    {
        (ISlotSnapshot? snapshot, IReadOnlyList<TokenRun> since, string reason) = await restore.FindAsync(request, device, cancellation);
        if (snapshot is not null)
            return new SlotInput(since, snapshot);
        if (request.From > 0)
            LogRebuilt(request.ConversationId, request.From, reason);
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

    /// <summary>Counts the tokens of a job that its outputs stand for, those of its input included.</summary>
    private sealed class InputCount(DecodeJob job, DecodePreempted? resumed)
    {
        private long _read = resumed?.Stopped.InputTokens ?? 0;
        private long _unread = job.Input.Sum(run => (long)run.Ids.Length);

        public long TokensOf(DecodeOutput output)
        {
            long tokens = output switch
            {
                PrefillProgress progress => progress.Done - _read,
                TokenSampled => _unread, // of which the last token takes the place of the sampled one
                _ => 0,
            };
            _read += tokens;
            _unread = output is TokenSampled ? 1 : _unread - tokens;
            return tokens;
        }
    }

    /// <summary>The start of a decode job: the ids to feed, after a snapshot is loaded, the slot is reset, or neither.</summary>
    private sealed record SlotInput(IReadOnlyList<TokenRun> Runs, ISlotSnapshot? Snapshot = null, bool Reset = false) : IDisposable
    {
        public void Dispose() => Snapshot?.Dispose();
    }

    [LoggerMessage(
        LogLevel.Information,
        "Conversation {ConversationId}: its slot is rebuilt from the log at position {Position}. {Reason}"
    )]
    private partial void LogRebuilt(string conversationId, long position, string reason);
}
