using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Orleans.Placement;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Workers;
using Streaming.Grains.Snapshots;
using Streaming.Inference.Batching;

namespace Streaming.Grains.Workers;

/// <summary>
/// Owns one device of this silo: hands out its slots and tracks the content of each. All computation runs on the device's own
/// thread; the grain only waits for it.
/// </summary>
[GrainType("worker"), DevicePlacement, Reentrant, Immovable, KeepAlive]
internal sealed partial class WorkerGrain : Grain, IWorkerGrain
{
    /// <summary>How long the decode job of an older epoch may take to end.</summary>
    private static readonly TimeSpan TakeoverTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long an older activation has to read its last output; one that died with its silo never reads it.</summary>
    private static readonly TimeSpan UnreadTimeout = TimeSpan.FromSeconds(1);

    private readonly IDecodeDevice _device;
    private readonly SlotTable _slots;
    private readonly SlotDecoder _decoder;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private bool _isDraining;

    public WorkerGrain(
        ConversationModel model,
        SlotRebuild rebuild,
        SlotRestore restore,
        SnapshotKeeper snapshots,
        IOptions<ConversationOptions> options,
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
        var slices = new TimeSlices(found.Slots, options.Value.SliceTokens, options.Value.MaxSliceTokens);
        _slots = new SlotTable(found.Slots, slices, time, slot => found.Preempt(slot.Index));
        _decoder = new SlotDecoder(found, _slots, rebuild, restore, snapshots, options.Value.PreemptedMegabytes * (1L << 20), log);
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
                _isDraining || _device.IsHung,
                conversationId is not null && _slots.Holds(conversationId)
            )
        );

    /// <inheritdoc/>
    public IAsyncEnumerable<DecodeUpdate> Decode(DecodeRequest request, CancellationToken cancellation = default) =>
        DecodeInSlotAsync(request, cancellation).WithHeartbeatsAsync(Limits.HeartbeatInterval, _time, () => _device.IsHung, cancellation);

    /// <inheritdoc/>
    public Task Drain()
    {
        _isDraining = true;
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

    /// <inheritdoc/>
    public Task Begin(string conversationId, long epoch)
    {
        if (_slots.Find(conversationId) is { Slot: not null } lease && lease.Epoch == epoch)
            lease.Begin();
        return Task.CompletedTask;
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
        if (_slots.Find(conversationId) is { HasBegun: true } lease)
        {
            lease.Cancel(FinishReason.Stopped);
            if (lease.Slot is { } slot)
                _device.Stop(slot.Index, EndReason.Stopped);
        }
        _slots.Forget(conversationId);
        return Task.CompletedTask;
    }

    private async IAsyncEnumerable<DecodeUpdate> DecodeInSlotAsync(
        DecodeRequest request,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        if (_isDraining)
        {
            yield return new HandedBack();
            yield break;
        }
        await EndOlderAsync(request, cancellation);
        using SlotLease lease = _slots.Request(request.ConversationId, request.Epoch, request.Owner);
        await foreach (DecodeUpdate update in _decoder.DecodeAsync(request, lease, cancellation))
            yield return update;
    }

    private void HandBack(SlotLease lease)
    {
        lease.HandBack();
        if (lease.Slot is { } slot)
            _device.Stop(slot.Index, EndReason.Stopped);
    }

    /// <summary>
    /// Only one activation decodes for a conversation: a newer epoch ends an older one and waits for its end; an older epoch is
    /// refused.
    /// </summary>
    private async Task EndOlderAsync(DecodeRequest request, CancellationToken cancellation)
    {
        while (_slots.Find(request.ConversationId) is { } other)
        {
            if (other.Epoch > request.Epoch)
                throw new RequestRefusedException(Refusal.Conflict, "A newer activation of this conversation is decoding.");
            LogTakenOver(request.ConversationId, other.Epoch, request.Epoch);
            await Stop(request.ConversationId, request.Epoch, FinishReason.Stopped);
            await EndAsync(other).WaitAsync(TakeoverTimeout, _time, cancellation);
        }
    }

    /// <summary>Waits for a stopped lease's release; if nobody reads its output, releases it when the device has ended its job.</summary>
    private async Task EndAsync(SlotLease stopped)
    {
        while (!await stopped.Released.CompletesWithinAsync(UnreadTimeout, _time))
        {
            if (stopped.Slot is { } slot && _device.IsBusy(slot.Index))
                continue;
            LogUnread(stopped.ConversationId, stopped.Epoch);
            stopped.Dispose();
        }
    }

    [LoggerMessage(
        LogLevel.Warning,
        "Conversation {ConversationId}: nobody reads the output of epoch {Epoch}; it is discarded and its slot is free."
    )]
    private partial void LogUnread(string conversationId, long epoch);

    [LoggerMessage(LogLevel.Warning, "Conversation {ConversationId}: epoch {Older} is decoding, epoch {Newer} takes over.")]
    private partial void LogTakenOver(string conversationId, long older, long newer);
}
