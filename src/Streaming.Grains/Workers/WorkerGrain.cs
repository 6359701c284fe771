using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Conversations;
using Streaming.Grains.Snapshots;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Snapshots;
using Streaming.Inference.Tokenizing;

namespace Streaming.Grains.Workers;

/// <summary>
/// Owns one device of this silo: hands out its slots, remembers what is in each, and translates between conversations and the
/// device. All device work is on the device's own thread; the grain only waits for it.
/// </summary>
[GrainType("worker"), DevicePlacement, Reentrant, Immovable, KeepAlive]
internal sealed partial class WorkerGrain : Grain, IWorkerGrain
{
    /// <summary>How long the work of an overtaken activation may take to end: a step.</summary>
    private static readonly TimeSpan Handover = TimeSpan.FromSeconds(30);

    /// <summary>How long an overtaken activation has for reading the end of its work; one that died with its silo never does.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(1);

    private readonly IDecodeDevice _device;
    private readonly SlotTable _slots;
    private readonly SlotRebuild _rebuild;
    private readonly SlotRestore _restore;
    private readonly SnapshotKeeper _snapshots;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private bool _leaves;

    public WorkerGrain(
        ConversationModel model,
        SlotRebuild rebuild,
        SlotRestore restore,
        SnapshotKeeper snapshots,
        TimeProvider time,
        ILogger<WorkerGrain> log
    )
    {
        if (
            !WorkerKey.TryParse(this.GetPrimaryKeyString(), out _, out string device)
            || !model.Devices.TryGetValue(device, out IDecodeDevice? found)
        )
            throw new InvalidOperationException(
                $"This silo has no device '{device}', which the worker's key '{this.GetPrimaryKeyString()}' names."
            );
        _device = found;
        _slots = new SlotTable(found.Slots);
        _rebuild = rebuild;
        _restore = restore;
        _snapshots = snapshots;
        _time = time;
        _log = log;
    }

    /// <inheritdoc/>
    public Task<WorkerStatus> GetStatus(string? conversationId = null) =>
        Task.FromResult(
            new WorkerStatus(
                _device.Slots,
                _slots.Running,
                _slots.Waiting,
                _leaves || _device.IsStuck,
                conversationId is not null && _slots.Holds(conversationId)
            )
        );

    /// <inheritdoc/>
    public IAsyncEnumerable<DecodeUpdate> Decode(DecodeRequest request, CancellationToken cancellation = default) =>
        DecodeInSlotAsync(request, cancellation)
            .WithSignsOfLifeAsync(Limits.SignOfLifeInterval, _time, () => _device.IsStuck, cancellation);

    /// <inheritdoc/>
    public Task Leave()
    {
        _leaves = true;
        foreach (SlotLease lease in _slots.Leases())
            HandBack(lease);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task HandBack(string conversationId, long epoch)
    {
        if (_slots.Find(conversationId) is { } lease && lease.Epoch == epoch)
            HandBack(lease);
        return Task.CompletedTask;
    }

    private async IAsyncEnumerable<DecodeUpdate> DecodeInSlotAsync(
        DecodeRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        if (_leaves)
        {
            yield return new HandedBack();
            yield break;
        }
        await EndOlderAsync(request, cancellation);
        using SlotLease lease = _slots.Request(request.ConversationId, request.Epoch);
        for (int told = 0; lease.Slot is null; await lease.WaitForChangeAsync(cancellation))
        {
            if (lease.IsOver is { } over)
            {
                yield return over;
                yield break;
            }
            if (lease.Place != told)
                yield return new SlotQueued(told = lease.Place);
        }

        Slot slot = lease.Slot;
        var expected = new SlotContent(
            request.ConversationId,
            request.Branch,
            new CacheLayout(request.Fixed, request.Window),
            request.From
        );
        bool goesOn = slot.Content == expected && request.Feed.Length <= _device.RebuildLength(request.Window);
        slot.Content = null; // Until the work has ended in order, nobody knows what is in it.
        (ISlotSnapshot Snapshot, IReadOnlyList<TokenRun> Input)? restored = goesOn
            ? null
            : await _restore.FindAsync(request, _device, cancellation);
        using ISlotSnapshot? snapshot = restored?.Snapshot;
        IReadOnlyList<TokenRun> input = goesOn
            ? [new TokenRun(request.From, request.Feed)]
            : restored?.Input ?? await RebuildAsync(request, cancellation);
        if (lease.IsOver is { } already)
        {
            yield return already;
            yield break;
        }

        long fed = request.From + request.Feed.Length - 1,
            taken = fed;
        DecodeJob work = WorkOf(request, slot.Index, expected.Layout, !goesOn && snapshot is null, input) with { Snapshot = snapshot };
        await foreach (DecodeOutput output in _device.DecodeAsync(work, cancellation))
        {
            snapshot?.Dispose(); // It is in the slot.
            if (output is TokenSampled)
                fed++;
            if (lease.Ended.IsCompleted)
                yield break; // Overtaken, and the slot is another work's.
            if (output is DecodeEnded && fed >= request.From + request.Feed.Length)
                slot.Content = expected with { Fed = fed };
            if (fed > taken && (output is DecodeEnded || fed - taken == _snapshots.Interval))
                _snapshots.Take(_device, slot.Index, request.ConversationId);
            if (fed - taken == _snapshots.Interval)
                taken = fed;
            // Handed back, the reply has not ended: what is held back for it is in the last token's state.
            yield return output is DecodeEnded { Reason: EndReason.Stopped } && lease.IsOver is HandedBack back ? back : Translate(output);
        }
    }

    /// <inheritdoc/>
    public Task Stop(string conversationId, long epoch, string finishReason)
    {
        if (_slots.Find(conversationId) is not { } lease || lease.Epoch > epoch)
            return Task.CompletedTask;
        lease.Cancel(finishReason);
        if (lease.Slot is { } slot)
            _device.Stop(slot.Index, finishReason == FinishReason.Interrupted ? EndReason.Interrupted : EndReason.Stopped);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Release(string conversationId)
    {
        if (_slots.Find(conversationId) is { Slot: { } slot } lease)
        {
            lease.Cancel(FinishReason.Stopped);
            _device.Stop(slot.Index, EndReason.Stopped);
        }
        _slots.Forget(conversationId);
        return Task.CompletedTask;
    }

    private void HandBack(SlotLease lease)
    {
        lease.HandBack();
        if (lease.Slot is { } slot)
            _device.Stop(slot.Index, EndReason.Stopped);
    }

    /// <summary>
    /// One activation at a time decodes for a conversation: an older one is ended and waited for, a newer one wins. What comes
    /// from an epoch that has been overtaken is refused.
    /// </summary>
    private async Task EndOlderAsync(DecodeRequest request, CancellationToken cancellation)
    {
        while (_slots.Find(request.ConversationId) is { } other)
        {
            if (other.Epoch > request.Epoch)
                throw new RequestRefusedException(Refusal.Conflict, "A newer activation of this conversation is decoding.");
            LogOvertaken(request.ConversationId, other.Epoch, request.Epoch);
            await Stop(request.ConversationId, request.Epoch, FinishReason.Stopped);
            await EndAsync(other).WaitAsync(Handover, _time, cancellation);
        }
    }

    /// <summary>Waits for the end of a work that was stopped; with nobody to read it, it has ended when the device has.</summary>
    private async Task EndAsync(SlotLease stopped)
    {
        while (!await stopped.Ended.CompletesWithinAsync(LastWord, _time))
        {
            if (stopped.Slot is { } slot && _device.IsBusy(slot.Index))
                continue;
            LogUnread(stopped.ConversationId, stopped.Epoch);
            stopped.Dispose();
        }
    }

    private Task<IReadOnlyList<TokenRun>> RebuildAsync(DecodeRequest request, CancellationToken cancellation)
    {
        if (request.From > 0)
            LogRebuilt(request.ConversationId, request.From);
        return _rebuild.InputAsync(request, _device.RebuildLength(request.Window), cancellation);
    }

    private static DecodeJob WorkOf(DecodeRequest request, int slot, CacheLayout layout, bool reset, IReadOnlyList<TokenRun> input) =>
        new()
        {
            Slot = slot,
            Layout = layout,
            Reset = reset,
            Input = input,
            Sampling = request.Sampling.ToParameters(),
            Branch = request.Branch,
            AlreadyGenerated = request.AlreadyGenerated,
            Text = new TextState(request.PendingBytes, request.HeldBack),
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

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Conversation {ConversationId}: its slot is rebuilt from the log at position {Position}"
    )]
    private partial void LogRebuilt(string conversationId, long position);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Conversation {ConversationId}: nobody reads what was decoded for epoch {Epoch}; its slot is taken back"
    )]
    private partial void LogUnread(string conversationId, long epoch);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Conversation {ConversationId}: epoch {Older} is decoding, epoch {Newer} takes over"
    )]
    private partial void LogOvertaken(string conversationId, long older, long newer);
}
