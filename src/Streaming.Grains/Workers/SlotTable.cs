using Streaming.Contracts.Workers;
using Streaming.Inference.Caching;

namespace Streaming.Grains.Workers;

/// <summary>
/// Which conversation is in which of a device's slots, and which conversations wait for one. A conversation keeps its slot until
/// another one needs it; the one that has been idle longest is evicted, since its tensors can be rebuilt. Not thread-safe.
/// </summary>
internal sealed class SlotTable
{
    private readonly DeviceSlot[] _slots;
    private readonly LinkedList<SlotLease> _queue = new();
    private long _clock;

    public SlotTable(int slots) => _slots = [.. Enumerable.Range(0, slots).Select(i => new DeviceSlot(i))];

    /// <summary>Slots with a lease.</summary>
    public int Running => _slots.Count(s => s.Lease is not null);

    /// <summary>Leases that wait for a slot.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Asks for a slot: granted at once, or queued. Dispose the lease to give the slot back.</summary>
    public SlotLease Request(string conversationId, long epoch)
    {
        var lease = new SlotLease(this, conversationId, epoch);
        _queue.AddLast(lease.Node);
        GrantQueued();
        return lease;
    }

    /// <summary>The lease that a conversation holds or waits with; null when there is none.</summary>
    public SlotLease? Find(string conversationId) =>
        _slots.FirstOrDefault(s => s.Lease?.ConversationId == conversationId)?.Lease
        ?? _queue.FirstOrDefault(l => l.ConversationId == conversationId);

    /// <summary>All leases, held and waiting.</summary>
    public IReadOnlyList<SlotLease> Leases() => [.. _slots.Select(s => s.Lease).OfType<SlotLease>(), .. _queue];

    /// <summary>Whether a conversation's tensors are in a slot that it would get at once.</summary>
    public bool Holds(string conversationId) => _slots.Any(s => s.Lease is null && s.Content?.ConversationId == conversationId);

    /// <summary>Marks a conversation's slot as empty.</summary>
    public void Forget(string conversationId)
    {
        foreach (DeviceSlot slot in _slots.Where(s => s.Content?.ConversationId == conversationId))
            slot.Content = null;
    }

    internal int PlaceOf(SlotLease lease)
    {
        int place = 1;
        for (LinkedListNode<SlotLease>? node = _queue.First; node is not null && node.Value != lease; node = node.Next)
            place++;
        return place;
    }

    internal void Release(SlotLease lease)
    {
        if (lease.Slot is { } slot)
        {
            slot.Lease = null;
            slot.UsedAt = ++_clock;
        }
        else if (lease.Node.List is not null)
        {
            _queue.Remove(lease.Node);
        }
        GrantQueued();
        foreach (SlotLease waiting in _queue)
            waiting.Changed();
    }

    private void GrantQueued()
    {
        while (_queue.First is { } next)
        {
            SlotLease lease = next.Value;
            List<DeviceSlot> free = [.. _slots.Where(s => s.Lease is null)];
            DeviceSlot? slot =
                free.Find(s => s.Content?.ConversationId == lease.ConversationId)
                ?? free.Find(s => s.Content is null)
                ?? free.MinBy(s => s.UsedAt);
            if (slot is null)
                return;
            _queue.RemoveFirst();
            if (slot.Content?.ConversationId != lease.ConversationId)
                slot.Content = null;
            slot.Lease = lease;
            lease.Grant(slot);
        }
    }
}

/// <summary>A slot of a device, as its worker knows it.</summary>
internal sealed class DeviceSlot(int index)
{
    /// <summary>Its number on the device.</summary>
    public int Index => index;

    /// <summary>Its content; null when it is unknown and must be rebuilt.</summary>
    public SlotContent? Content { get; set; }

    /// <summary>The lease that holds it; null when it is free.</summary>
    public SlotLease? Lease { get; set; }

    /// <summary>When it was last used, in the table's own count.</summary>
    public long UsedAt { get; set; }
}

/// <summary>The content of a slot: a conversation's stream up to a position.</summary>
/// <param name="ConversationId">The conversation.</param>
/// <param name="Branch">Its branch.</param>
/// <param name="Layout">F and W.</param>
/// <param name="Fed">Stream position of the next token to feed.</param>
internal sealed record SlotContent(string ConversationId, int Branch, CacheLayout Layout, long Fed);

/// <summary>A conversation's claim to a slot, granted or waiting.</summary>
internal sealed class SlotLease : IDisposable
{
    private readonly SlotTable _table;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SlotLease(SlotTable table, string conversationId, long epoch)
    {
        _table = table;
        ConversationId = conversationId;
        Epoch = epoch;
        Node = new LinkedListNode<SlotLease>(this);
    }

    /// <summary>The conversation.</summary>
    public string ConversationId { get; }

    /// <summary>The epoch of its activation.</summary>
    public long Epoch { get; }

    /// <summary>The slot; null until it is granted.</summary>
    public DeviceSlot? Slot { get; private set; }

    /// <summary>The last update of the stream, once <see cref="Cancel"/> or <see cref="HandBack"/> was called; null before.</summary>
    public DecodeUpdate? Outcome { get; private set; }

    /// <summary>Completes when the lease is released.</summary>
    public Task Released => _released.Task;

    internal LinkedListNode<SlotLease> Node { get; }

    /// <summary>Place in the queue; 1 is next.</summary>
    public int Place => _table.PlaceOf(this);

    /// <summary>Completes at the next grant, move in the queue or cancellation.</summary>
    public async Task WaitForChangeAsync(CancellationToken cancellation)
    {
        TaskCompletionSource changed = _changed;
        await changed.Task.WaitAsync(cancellation);
        if (_changed == changed)
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Ends the reply for a reason.</summary>
    public void Cancel(string finishReason)
    {
        Outcome = new ReplyEnded(finishReason, "", 0, 0, 0);
        Changed();
    }

    /// <summary>Ends the decoding but not the reply, which continues elsewhere; no effect when the reply ends already.</summary>
    public void HandBack()
    {
        Outcome ??= new HandedBack();
        Changed();
    }

    internal void Grant(DeviceSlot slot)
    {
        Slot = slot;
        Changed();
    }

    internal void Changed() => _changed.TrySetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_released.TrySetResult())
            _table.Release(this);
    }
}
