using Streaming.Inference.Caching;
using Streaming.Inference.Kernels;
using Streaming.Inference.Snapshots;

namespace Streaming.Inference.Batching;

/// <summary>What a slot holds: how far its stream was fed, and the id in each place. Only the device's thread uses it.</summary>
internal sealed class SlotState(int index, int capacity)
{
    private const int EmptyPlace = -1;
    private readonly int[] _ids = new int[capacity];

    /// <summary>How the current conversation uses the slot.</summary>
    public CacheLayout Layout { get; private set; }

    /// <summary>Stream position of the next token.</summary>
    public long Position { get; private set; }

    /// <summary>Tokens fed since the last reset; fewer than <see cref="Position"/> in a rebuilt slot.</summary>
    public long Fed { get; private set; }

    /// <summary>The branch of its last job.</summary>
    public int Branch { get; private set; }

    /// <summary>Hash of all ids of the stream before <see cref="Position"/>; null if unknown.</summary>
    public StreamHash? Hash { get; set; }

    /// <summary>Whether its last job was cancelled or failed, so that its position is unknown to the caller.</summary>
    public bool MustReset { get; set; }

    /// <summary>The ids of the layout's places, [F + W]; negative for an empty place.</summary>
    public ReadOnlySpan<int> CachedIds => _ids.AsSpan(0, Layout.Places);

    /// <summary>Refuses a job that does not continue at the slot's position.</summary>
    public void Check(DecodeJob job)
    {
        if (job.Reset || job.Snapshot is not null)
            return;
        if (MustReset)
            throw new InputException(
                $"The position of slot {index} is unknown because its last job was cancelled or failed: "
                    + "reset it, and feed it the fixed part and the end of the stream."
            );
        if (Fed > 0 && job.Layout != Layout)
            throw new InputException(
                $"Slot {index} is used as {Layout.Fixed}+{Layout.Window}, not as {job.Layout.Fixed}+{job.Layout.Window}: "
                    + "reset it to change that."
            );
        long first = job.Input.First(run => !run.Ids.IsEmpty).Position;
        if (first != Position)
            throw new InputException(
                $"Slot {index} is at position {Position}, and the input begins at {first}: feed it from {Position}, or reset it."
            );
    }

    /// <summary>Begins a checked job.</summary>
    /// <returns>Whether the caller must clear the slot's tensors, or fill them from the job's snapshot.</returns>
    public bool Begin(DecodeJob job)
    {
        Branch = job.Branch;
        Hash = null;
        var snapshot = job.Snapshot as SlotSnapshot;
        if (!job.Reset && snapshot is null && Fed > 0)
            return false;
        Layout = job.Layout;
        Position = snapshot?.Position ?? 0;
        Fed = snapshot?.Header.Fed ?? 0;
        MustReset = false;
        _ids.AsSpan().Fill(EmptyPlace);
        snapshot?.Ids.CopyTo(_ids);
        return true;
    }

    /// <summary>The next tokens as part of a batch.</summary>
    public Segment Next(long position, ReadOnlyMemory<int> ids, LogitRows logits) =>
        new()
        {
            Slot = index,
            Layout = Layout,
            Position = position,
            Fed = Fed,
            Ids = ids,
            Logits = logits,
        };

    /// <summary>Records that the tokens of a segment are in the tensors.</summary>
    public void Advance(Segment segment)
    {
        ReadOnlySpan<int> ids = segment.Ids.Span;
        for (int i = 0; i < ids.Length; i++)
            _ids[Layout.PlaceOf(segment.Position + i)] = ids[i];
        Position = segment.Position + ids.Length;
        Fed += ids.Length;
    }
}
