using Streaming.Grains.Workers;
using Streaming.Inference.Caching;

namespace Streaming.Grains.Tests.Workers;

public class SlotTableTests
{
    [Fact]
    public void A_conversation_gets_the_slot_that_holds_its_tensors()
    {
        var table = new SlotTable(2);
        SlotLease a = table.Request("a", 1),
            b = table.Request("b", 1);
        int slotOfA = Release(a),
            slotOfB = Release(b);
        using SlotLease b2 = table.Request("b", 1);
        using SlotLease a2 = table.Request("a", 1);
        Assert.Equal(slotOfA, a2.Slot!.Index);
        Assert.Equal(slotOfB, b2.Slot!.Index);
        Assert.Equal("a", a2.Slot.Content!.ConversationId);
    }

    [Fact]
    public void Evicts_the_conversation_that_was_idle_longest()
    {
        var table = new SlotTable(2);
        SlotLease a = table.Request("a", 1),
            b = table.Request("b", 1);
        int slotOfB = Release(b);
        Release(a);
        using SlotLease c = table.Request("c", 1);
        Assert.Equal(slotOfB, c.Slot!.Index);
        Assert.Null(c.Slot.Content);
    }

    [Fact]
    public void Takes_an_empty_slot_before_it_evicts()
    {
        var table = new SlotTable(2);
        int slotOfA = Release(table.Request("a", 1));
        using SlotLease b = table.Request("b", 1);
        Assert.NotEqual(slotOfA, b.Slot!.Index);
    }

    [Fact]
    public async Task Queues_and_reports_places_and_serves_in_order()
    {
        var table = new SlotTable(1);
        SlotLease a = table.Request("a", 1),
            b = table.Request("b", 1),
            c = table.Request("c", 1);
        Assert.Null(b.Slot);
        Assert.Equal((1, 2), (b.Place, c.Place));
        Task moved = c.WaitForChangeAsync(TestContext.Current.CancellationToken);
        a.Dispose();
        Assert.NotNull(b.Slot);
        await moved.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Null(c.Slot);
        Assert.Equal(1, c.Place);
        b.Dispose();
        Assert.NotNull(c.Slot);
        Assert.Equal((1, 0), (table.Running, table.Waiting));
    }

    [Fact]
    public void A_released_lease_leaves_the_queue()
    {
        var table = new SlotTable(1);
        using SlotLease a = table.Request("a", 1);
        SlotLease b = table.Request("b", 1);
        using SlotLease c = table.Request("c", 1);
        b.Dispose();
        Assert.Equal(1, c.Place);
        Assert.Equal(1, table.Waiting);
    }

    [Fact]
    public void A_forgotten_conversation_gets_an_empty_slot()
    {
        var table = new SlotTable(1);
        Release(table.Request("a", 1));
        table.Forget("a");
        using SlotLease a = table.Request("a", 1);
        Assert.Null(a.Slot!.Content);
    }

    /// <summary>Releases the slot with content, as a reply that ended normally does.</summary>
    private static int Release(SlotLease lease)
    {
        DeviceSlot slot = lease.Slot!;
        slot.Content = new SlotContent(lease.ConversationId, 0, new CacheLayout(4, 60), 10);
        lease.Dispose();
        return slot.Index;
    }
}
