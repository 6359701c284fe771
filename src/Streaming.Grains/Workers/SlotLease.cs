using System.Runtime.CompilerServices;
using Streaming.Contracts.Workers;
using Streaming.Inference.Batching;

namespace Streaming.Grains.Workers;

/// <summary>A conversation's claim to a slot, granted or waiting.</summary>
internal sealed class SlotLease : IDisposable
{
    /// <summary>How long a granted slot waits until the conversation has stored that its reply begins.</summary>
    private static readonly TimeSpan BeginTimeout = TimeSpan.FromSeconds(30);

    private readonly SlotTable _table;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SlotLease(SlotTable table, string conversationId, long epoch, SlotOwner owner)
    {
        _table = table;
        ConversationId = conversationId;
        Epoch = epoch;
        Owner = owner;
    }

    /// <summary>The conversation.</summary>
    public string ConversationId { get; }

    /// <summary>The epoch of its activation.</summary>
    public long Epoch { get; }

    /// <summary>The share of the conversation's owner.</summary>
    public SlotOwner Owner { get; }

    /// <summary>The slot; null until it is granted, and after it was given up.</summary>
    public DeviceSlot? Slot { get; private set; }

    /// <summary>The last update of the stream, once <see cref="Cancel"/> or <see cref="HandBack"/> was called; null before.</summary>
    public DecodeUpdate? Outcome { get; private set; }

    /// <summary>Whether <see cref="Begin"/> was called.</summary>
    public bool MayBegin { get; private set; }

    /// <summary>Completes when the lease is released.</summary>
    public Task Released => _released.Task;

    /// <summary>The reply that waits to go on, with its snapshot; null before the first slice, and while it has a slot.</summary>
    public DecodePreempted? Preempted { get; private set; }

    /// <summary>Whether it was asked to give its slot up.</summary>
    public bool IsYielding { get; set; }

    /// <summary>Tokens among those of its owner's conversations, while somebody waited.</summary>
    public long Tokens { get; set; }

    /// <summary>Tokens of the current slice.</summary>
    public long SliceTokens { get; private set; }

    /// <summary>When the current slice began, a timestamp of the table's clock.</summary>
    public long SliceStartedAt { get; private set; }

    /// <summary>Whether it has had a slot.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Place among those that wait; 1 is next.</summary>
    public int Place => _table.PlaceOf(this);

    /// <summary>Waits for a slot or an outcome; tells the place whenever it changes.</summary>
    public async IAsyncEnumerable<SlotQueued> WaitAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        for (int told = 0; this is { Slot: null, Outcome: null }; await WaitForChangeAsync(cancellation))
        {
            if (Place != told)
                yield return new SlotQueued(told = Place, _table.WaitAt(told)?.TotalSeconds, Preempted is not null);
        }
    }

    /// <summary>Waits with a slot for <see cref="Begin"/> or an outcome.</summary>
    /// <exception cref="TimeoutException">Neither came in time.</exception>
    public async Task UntilMayBeginAsync(CancellationToken cancellation)
    {
        while (this is { MayBegin: false, Outcome: null })
            await WaitForChangeAsync(cancellation).WaitAsync(BeginTimeout, _table.Time, cancellation);
    }

    /// <summary>Completes at the next grant, move in the queue, permission to begin or cancellation.</summary>
    public async Task WaitForChangeAsync(CancellationToken cancellation)
    {
        TaskCompletionSource changed = _changed;
        await changed.Task.WaitAsync(cancellation);
        if (_changed == changed)
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Permits the work in the slot, if its request waits for that.</summary>
    public void Begin()
    {
        MayBegin = true;
        Changed();
    }

    /// <summary>Ends the reply for a reason.</summary>
    public void Cancel(string finishReason)
    {
        Outcome = new ReplyEnded(finishReason, "", 0, 0, 0);
        Changed();
    }

    /// <summary>Ends the decoding but not the reply, which continues elsewhere; no effect when the reply ends already.</summary>
    /// <param name="isFull">Whether the worker holds too many snapshots, and the reply asks again.</param>
    public void HandBack(bool isFull = false)
    {
        Outcome ??= new HandedBack(isFull);
        Changed();
    }

    /// <summary>Counts tokens that were fed or sampled for it. It may be asked for its slot.</summary>
    public void Charge(long tokens)
    {
        SliceTokens += tokens;
        Tokens += tokens;
        Owner.Tokens += tokens;
        _table.ShareOut();
    }

    /// <summary>Gives the slot up and waits to go on.</summary>
    /// <param name="preempted">The rest of the reply; the lease owns its snapshot until <see cref="Resume"/>.</param>
    public void Yield(DecodePreempted preempted)
    {
        if (_released.Task.IsCompleted)
        {
            preempted.Rest.Snapshot?.Dispose();
            return;
        }
        Preempted = preempted;
        _table.Yield(this);
    }

    /// <summary>Takes the reply to go on; the caller disposes its snapshot.</summary>
    public DecodePreempted? Resume()
    {
        DecodePreempted? resumed = Preempted;
        Preempted = null;
        return resumed;
    }

    internal void Grant(DeviceSlot slot, long now)
    {
        Slot = slot;
        HasBegun = true;
        SliceTokens = 0;
        SliceStartedAt = now;
        Changed();
    }

    internal void GiveUp()
    {
        Slot = null;
        IsYielding = false;
    }

    internal void Changed() => _changed.TrySetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_released.TrySetResult())
            return;
        Resume()?.Rest.Snapshot?.Dispose();
        _table.Release(this);
    }
}
