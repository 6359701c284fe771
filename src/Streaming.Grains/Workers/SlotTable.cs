namespace Streaming.Grains.Workers;

/// <summary>
/// Which conversation is in which of a device's slots, and which conversations wait for one. A conversation keeps its slot until
/// another one needs it; the one that has been idle longest is evicted, since its tensors can be rebuilt. When more want to talk than
/// fit, running replies give their slots up after a slice: owners share equally in tokens, and so do the conversations of each owner
/// (deficit round robin, Shreedhar and Varghese 1995, with the deficit of all counted in one number each). Not thread-safe.
/// </summary>
/// <param name="slots">The device's slots.</param>
/// <param name="slices">How long slices are; null for the shortest.</param>
/// <param name="time">The clock; null for the system's.</param>
/// <param name="preempt">Asks the reply in a slot to give it up; null when none ever does.</param>
internal sealed class SlotTable(int slots, TimeSlices? slices = null, TimeProvider? time = null, Action<DeviceSlot>? preempt = null)
{
    private readonly DeviceSlot[] _slots = [.. Enumerable.Range(0, slots).Select(i => new DeviceSlot(i))];
    private readonly List<SlotLease> _waiting = []; // in the order of their requests
    private readonly Dictionary<string, SlotOwner> _owners = new(StringComparer.Ordinal);
    private readonly TimeSlices _slices = slices ?? new TimeSlices(slots);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _clock;

    /// <summary>The table's clock.</summary>
    public TimeProvider Time => _time;

    /// <summary>Slots with a lease.</summary>
    public int Running => _slots.Count(s => s.Lease is not null);

    /// <summary>Leases that wait for a slot.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Bytes of the snapshots of replies that wait to go on.</summary>
    public long PreemptedBytes => _waiting.Sum(lease => lease.Preempted?.Rest.Snapshot?.Length ?? 0);

    /// <summary>Asks for a slot: granted at once, or queued. Dispose the lease to give the slot back.</summary>
    public SlotLease Request(string conversationId, long epoch, string owner = "")
    {
        if (!_owners.TryGetValue(owner, out SlotOwner? share))
            _owners[owner] = share = new SlotOwner();
        share.Leases++;
        var lease = new SlotLease(this, conversationId, epoch, share);
        Enqueue(lease);
        lease.Tokens = Leases().Where(other => other != lease && other.Owner == share).Select(other => other.Tokens).DefaultIfEmpty().Min();
        ShareOut();
        return lease;
    }

    /// <summary>The lease that a conversation holds or waits with; null when there is none.</summary>
    public SlotLease? Find(string conversationId) => Leases().FirstOrDefault(l => l.ConversationId == conversationId);

    /// <summary>All leases, held and waiting.</summary>
    public IReadOnlyList<SlotLease> Leases() => [.. Held, .. _waiting];

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
        Order order = OrderNow();
        int index = _waiting.IndexOf(lease);
        int place = 1;
        for (int i = 0; i < _waiting.Count; i++)
        {
            if (i != index && order.Compare(_waiting[i], lease) is var sign && (sign < 0 || (sign == 0 && i < index)))
                place++;
        }
        return place;
    }

    /// <summary>About how long a place waits: in each slice every slot changes hands once.</summary>
    internal TimeSpan? WaitAt(int place) => _slices.Duration * Math.Ceiling((double)place / _slots.Length);

    internal void Release(SlotLease lease)
    {
        if (lease.Slot is { } slot)
        {
            Measure(lease, null);
            Free(slot);
        }
        _waiting.Remove(lease);
        lease.Owner.Leases--;
        if (lease.HasBegun)
            lease.Owner.Begun--;
        ForgetAbsentOwners();
        Changed();
    }

    /// <summary>A reply gave its slot up; it waits to go on.</summary>
    internal void Yield(SlotLease lease)
    {
        DeviceSlot slot = lease.Slot!;
        Measure(lease, lease.Preempted!.CaptureTime);
        lease.GiveUp();
        Enqueue(lease);
        Free(slot);
        Changed();
    }

    /// <summary>Grants free slots, then asks replies for theirs: those of the owner who got most, after its slice.</summary>
    internal void ShareOut()
    {
        if (_waiting.Count == 0)
            return;
        Order order = OrderNow();
        while (_waiting.Count > 0 && Array.Exists(_slots, s => s.Lease is null))
            Grant(First(order));
        int asked = Held.Count(lease => lease.IsYielding);
        if (preempt is null || asked >= _waiting.Count || !Held.Any(lease => !lease.IsYielding && lease.SliceTokens >= _slices.Shortest))
            return;
        foreach (SlotLease waiting in _waiting.Order(order).Skip(asked).ToList()) // Order is stable: ties in the order of requests.
        {
            SlotLease? gives = Held.Where(lease => !lease.IsYielding && Gives(lease, waiting, order))
                .MaxBy(lease => (lease.Owner.Tokens, lease.Tokens));
            if (gives is null)
                return;
            gives.IsYielding = true;
            preempt(gives.Slot!);
        }
    }

    private IEnumerable<SlotLease> Held => _slots.Select(s => s.Lease).OfType<SlotLease>();

    private bool Gives(SlotLease held, SlotLease waiting, Order order) =>
        order.IsNewcomer(waiting) ? held.SliceTokens >= _slices.Shortest
        : held.SliceTokens < _slices.Tokens ? false
        : held.Owner == waiting.Owner ? held.Tokens > waiting.Tokens
        : held.Owner.Tokens - waiting.Owner.Tokens >= _slices.Tokens;

    private void Enqueue(SlotLease lease)
    {
        if (!_waiting.Exists(other => other.Owner == lease.Owner))
            BeginWaiting(lease.Owner);
        _waiting.Add(lease);
    }

    /// <summary>
    /// Only what is taken while somebody waits counts. An owner who wanted no more than it had gains no claim to more later.
    /// </summary>
    private void BeginWaiting(SlotOwner owner)
    {
        foreach (SlotLease lease in Held.Where(lease => lease.Owner == owner))
            lease.Tokens = 0;
        if (_waiting.Count > 0)
        {
            owner.Tokens = Math.Max(owner.Tokens, _waiting.Min(lease => lease.Owner.Tokens));
            return;
        }
        ForgetAbsentOwners();
        foreach (SlotOwner any in _owners.Values)
            any.Tokens = 0;
    }

    /// <summary>An owner who left stays known while it has had more than those who wait.</summary>
    private void ForgetAbsentOwners()
    {
        long least = _waiting.Count == 0 ? long.MaxValue : _waiting.Min(lease => lease.Owner.Tokens);
        foreach ((string name, SlotOwner owner) in _owners)
        {
            if (owner.Leases == 0 && owner.Tokens <= least)
                _owners.Remove(name);
        }
    }

    private SlotLease First(Order order)
    {
        SlotLease first = _waiting[0];
        foreach (SlotLease lease in _waiting)
        {
            if (order.Compare(lease, first) < 0)
                first = lease;
        }
        return first;
    }

    private void Grant(SlotLease lease)
    {
        List<DeviceSlot> free = [.. _slots.Where(s => s.Lease is null)];
        DeviceSlot slot =
            free.Find(s => s.Content?.ConversationId == lease.ConversationId)
            ?? free.Find(s => s.Content is null)
            ?? free.MinBy(s => s.UsedAt)!;
        _waiting.Remove(lease);
        if (slot.Content?.ConversationId != lease.ConversationId)
            slot.Content = null;
        slot.Lease = lease;
        if (!lease.HasBegun)
            lease.Owner.Begun++;
        lease.Grant(slot, _time.GetTimestamp());
    }

    private void Free(DeviceSlot slot)
    {
        slot.Lease = null;
        slot.UsedAt = ++_clock;
    }

    private void Changed()
    {
        ShareOut();
        foreach (SlotLease waiting in _waiting)
            waiting.Changed();
    }

    private void Measure(SlotLease lease, TimeSpan? copy) =>
        _slices.Measured(lease.SliceTokens, _time.GetElapsedTime(lease.SliceStartedAt), copy);

    private Order OrderNow() => new(_waiting.Count == 0 ? 0 : _waiting.Min(lease => lease.Owner.Tokens) + _slices.Tokens);

    /// <summary>
    /// Who comes first: newcomers, then the owner who got least, then the conversation that got least. Somebody who had more than a
    /// slice a moment ago, and left, is no newcomer.
    /// </summary>
    private sealed class Order(long newcomersHave) : IComparer<SlotLease>
    {
        public bool IsNewcomer(SlotLease lease) => lease.Owner.Begun == 0 && lease.Owner.Tokens <= newcomersHave;

        public int Compare(SlotLease? x, SlotLease? y) => KeyOf(x!).CompareTo(KeyOf(y!));

        private (bool, long, long) KeyOf(SlotLease lease) => (!IsNewcomer(lease), lease.Owner.Tokens, lease.Tokens);
    }
}
