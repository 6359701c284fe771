using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Batching;

public sealed partial class Batcher
{
    private readonly CaptureRequest?[] _captures;

    /// <summary>The kind of snapshot that this device can restore.</summary>
    private SnapshotKind Kind => field ??= _decoder.KindOf(_options.Checkpoint);

    /// <inheritdoc/>
    public Task<ISlotSnapshot?> CaptureAsync(int slot, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        ObjectDisposedException.ThrowIf(_disposing, this);
        var request = new CaptureRequest(slot);
        if (Interlocked.CompareExchange(ref _captures[slot], request, null) is not null)
            return Task.FromResult<ISlotSnapshot?>(null);
        if (!_requests.Writer.TryWrite(new Request(null, request)))
        {
            Volatile.Write(ref _captures[slot], null);
            throw new ObjectDisposedException(nameof(Batcher));
        }
        _wake.Set();
        return request.AnswerAsync(cancellation);
    }

    /// <inheritdoc/>
    public async Task<ISlotSnapshot> ReadSnapshotAsync(Stream from, CancellationToken cancellation = default) =>
        await SnapshotFormat.ReadAsync(from, Kind, _decoder.Parts, cancellation).ConfigureAwait(false);

    /// <summary>Copies a slot on the device's thread. All replies wait meanwhile, so this must be short.</summary>
    private void Capture(CaptureRequest request)
    {
        Volatile.Write(ref _captures[request.Slot], null);
        try
        {
            SlotState slot = _slots[request.Slot];
            Sequence? running = _running.Find(sequence => sequence.Job.Slot == request.Slot);
            bool isRebuilding = running is { Rebuilds: true, IsPrefilling: true };
            StreamHash? known = running is null ? slot.Hash : running.HashIn(slot);
            if (request.IsUnwanted || slot.MustReset || slot.Fed == 0 || isRebuilding || known is not { } hash)
                request.Answer(null);
            else
                request.Answer(CopyOut(request.Slot, hash));
        }
        catch (Exception failure) // the device's boundary: the caller gets the failure, jobs go on
        {
            request.Fail(failure);
        }
    }

    /// <summary>Ends a job with its rest as last output.</summary>
    private void Preempt(Sequence sequence)
    {
        long began = _time.GetTimestamp();
        SlotState slot = _slots[sequence.Job.Slot];
        StreamHash? hash = sequence.HashIn(slot);
        bool isComplete = hash is not null && !(sequence.Rebuilds && sequence.IsPrefilling);
        SlotSnapshot snapshot;
        try
        {
            snapshot = CopyOut(sequence.Job.Slot, hash ?? default);
        }
        catch (Exception failure) // the device's boundary: this job fails, others go on
        {
            Fail(sequence, failure);
            return;
        }
        slot.Hash = isComplete ? hash : null;
        _running.Remove(sequence);
        TimeSpan captureTime = _time.GetElapsedTime(began);
        DecodeJob rest = sequence.RestAt(slot, snapshot, began, _time);
        DecodeEnded stopped = sequence.EndAt(began, EndReason.Stopped, _time);
        Release(sequence, last: new DecodePreempted(rest, isComplete, stopped, captureTime));
    }

    private SlotSnapshot CopyOut(int index, StreamHash hash)
    {
        SlotState slot = _slots[index];
        int[] ids = slot.CachedIds.ToArray();
        var header = new SnapshotHeader
        {
            Kind = Kind,
            Branch = slot.Branch,
            Position = slot.Position,
            Fed = slot.Fed,
            Fixed = slot.Layout.Fixed,
            Window = slot.Layout.Window,
            Occupied = ids.Count(id => id >= 0),
            StreamHash = hash.Value,
        };
        return new SlotSnapshot(header, ids, _decoder.CopyOut(index, _decoder.Parts.RowsOf(ids)));
    }

    /// <summary>Refuses a snapshot that does not fit this device or the job.</summary>
    private void CheckSnapshot(DecodeJob job)
    {
        if (job.Snapshot is null)
            return;
        if (job.Snapshot is not SlotSnapshot snapshot)
            throw new InputException("The snapshot is of an unknown type: use one that a device captured or read.");
        if (Kind.DifferenceFrom(snapshot.Header.Kind) is { } difference)
            throw new InputException($"The snapshot does not fit this device: it is {difference}.");
        if (job.Reset || job.Layout != snapshot.Layout)
            throw new InputException(
                $"A job that restores a snapshot must not reset the slot, and must keep its layout of "
                    + $"{snapshot.Layout.Fixed}+{snapshot.Layout.Window}."
            );
        long first = job.Input.First(run => !run.Ids.IsEmpty).Position;
        if (first != snapshot.Position)
            throw new InputException(
                $"The snapshot is at position {snapshot.Position}, and the input begins at {first}: feed it from {snapshot.Position}."
            );
    }
}
