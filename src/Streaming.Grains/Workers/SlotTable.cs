using Streaming.Contracts.Workers;
using Streaming.Inference.Caching;

namespace Streaming.Grains.Workers;

/// <summary>
/// Which conversation is in which of a device's slots, and who waits for one. A conversation keeps its slot while nobody else
/// needs it; the one that has been idle longest gives way, since its tensors can be made anew. Used by one thread at a time.
/// </summary>
internal sealed class SlotTable
{
    private readonly Slot[] _slots;
    private readonly LinkedList<SlotLease> _waiting = new();
    private long _clock;

    public SlotTable(int slots) => _slots = [.. Enumerable.Range(0, slots).Select(i => new Slot(i))];

    /// <summary>Slots whose lease is held.</summary>
    public int Running => _slots.Count(s => s.Lease is not null);

    /// <summary>Leases that wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Asks for a slot: granted at once, or waiting in line. Dispose the lease to give the slot back.</summary>
    public SlotLease Request(string conversationId, long epoch)
    {
        var lease = new SlotLease(this, conversationId, epoch);
        _waiting.AddLast(lease.Node);
        GrantWaiting();
        return lease;
    }

    /// <summary>The lease that a conversation holds or waits with.</summary>
    public SlotLease? Find(string conversationId) =>
        _slots.FirstOrDefault(s => s.Lease?.ConversationId == conversationId)?.Lease
        ?? _waiting.FirstOrDefault(l => l.ConversationId == conversationId);

    /// <summary>All leases, held and waiting.</summary>
    public IReadOnlyList<SlotLease> Leases() => [.. _slots.Select(s => s.Lease).OfType<SlotLease>(), .. _waiting];

    /// <summary>Whether a conversation's tensors are in a slot that it would get at once.</summary>
    public bool Holds(string conversationId) => _slots.Any(s => s.Lease is null && s.Content?.ConversationId == conversationId);

    /// <summary>Forgets what a conversation has in its slot.</summary>
    public void Forget(string conversationId)
    {
        foreach (Slot slot in _slots.Where(s => s.Content?.ConversationId == conversationId))
            slot.Content = null;
    }

    internal int PlaceOf(SlotLease lease)
    {
        int place = 1;
        for (LinkedListNode<SlotLease>? node = _waiting.First; node is not null && node.Value != lease; node = node.Next)
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
            _waiting.Remove(lease.Node);
        }
        GrantWaiting();
        foreach (SlotLease waiting in _waiting)
            waiting.Changed();
    }

    private void GrantWaiting()
    {
        while (_waiting.First is { } next)
        {
            SlotLease lease = next.Value;
            List<Slot> free = [.. _slots.Where(s => s.Lease is null)];
            Slot? slot =
                free.Find(s => s.Content?.ConversationId == lease.ConversationId)
                ?? free.Find(s => s.Content is null)
                ?? free.MinBy(s => s.UsedAt);
            if (slot is null)
                return;
            _waiting.RemoveFirst();
            if (slot.Content?.ConversationId != lease.ConversationId)
                slot.Content = null;
            slot.Lease = lease;
            lease.Grant(slot);
        }
    }
}

/// <summary>One slot of a device.</summary>
internal sealed class Slot(int index)
{
    /// <summary>Its number on the device.</summary>
    public int Index => index;

    /// <summary>What is in it, as far as it is known; null when it must be made anew.</summary>
    public SlotContent? Content { get; set; }

    /// <summary>Who uses it now.</summary>
    public SlotLease? Lease { get; set; }

    /// <summary>When it was last used, in the table's own count.</summary>
    public long UsedAt { get; set; }
}

/// <summary>What a slot holds: a conversation's stream up to a position.</summary>
/// <param name="ConversationId">Whose.</param>
/// <param name="Branch">On which branch.</param>
/// <param name="Layout">Used how.</param>
/// <param name="Fed">Stream position of the next token to feed.</param>
internal sealed record SlotContent(string ConversationId, int Branch, CacheLayout Layout, long Fed);

/// <summary>A conversation's claim to a slot, granted or waiting.</summary>
internal sealed class SlotLease : IDisposable
{
    private readonly SlotTable _table;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SlotLease(SlotTable table, string conversationId, long epoch)
    {
        _table = table;
        ConversationId = conversationId;
        Epoch = epoch;
        Node = new LinkedListNode<SlotLease>(this);
    }

    /// <summary>Who claims.</summary>
    public string ConversationId { get; }

    /// <summary>The epoch of the activation that claims.</summary>
    public long Epoch { get; }

    /// <summary>The slot, once granted.</summary>
    public Slot? Slot { get; private set; }

    /// <summary>What to answer once the claim was given up, by whom so ever.</summary>
    public DecodeUpdate? IsOver { get; private set; }

    /// <summary>Completes when the lease was released.</summary>
    public Task Ended => _ended.Task;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal LinkedListNode<SlotLease> Node { get; }

    /// <summary>1 for the next in line.</summary>
    public int Place => _table.PlaceOf(this);

    /// <summary>Completes at the next grant, move in line or cancellation.</summary>
    public async Task WaitForChangeAsync(CancellationToken cancellation)
    {
        TaskCompletionSource changed = _changed;
        await changed.Task.WaitAsync(cancellation);
        if (_changed == changed)
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Gives up, for a reason that ends the reply.</summary>
    public void Cancel(string finishReason)
    {
        IsOver = new ReplyEnded(finishReason, "", 0, 0, 0);
        Changed();
    }

    /// <summary>Gives up, so that the reply goes on elsewhere; unless it is ending already.</summary>
    public void HandBack()
    {
        IsOver ??= new HandedBack();
        Changed();
    }

    internal void Grant(Slot slot)
    {
        Slot = slot;
        Changed();
    }

    internal void Changed() => _changed.TrySetResult();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ended.TrySetResult())
            _table.Release(this);
    }
}
