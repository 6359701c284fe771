using Streaming.Grains.Workers;
using Streaming.Inference.Caching;

namespace Streaming.Grains.Tests.Workers;

public class SlotTableTests
{
    [Fact]
    public void A_conversation_finds_its_slot_again()
    {
        var table = new SlotTable(2);
        SlotLease a = table.Request("a", 1),
            b = table.Request("b", 1);
        int slotOfA = Leave(a),
            slotOfB = Leave(b);
        using SlotLease b2 = table.Request("b", 1);
        using SlotLease a2 = table.Request("a", 1);
        Assert.Equal(slotOfA, a2.Slot!.Index);
        Assert.Equal(slotOfB, b2.Slot!.Index);
        Assert.Equal("a", a2.Slot.Content!.ConversationId);
    }

    [Fact]
    public void The_conversation_that_was_idle_longest_gives_way()
    {
        var table = new SlotTable(2);
        SlotLease a = table.Request("a", 1),
            b = table.Request("b", 1);
        int slotOfB = Leave(b);
        Leave(a);
        using SlotLease c = table.Request("c", 1);
        Assert.Equal(slotOfB, c.Slot!.Index);
        Assert.Null(c.Slot.Content);
    }

    [Fact]
    public void An_empty_slot_is_taken_before_anybody_gives_way()
    {
        var table = new SlotTable(2);
        int slotOfA = Leave(table.Request("a", 1));
        using SlotLease b = table.Request("b", 1);
        Assert.NotEqual(slotOfA, b.Slot!.Index);
    }

    [Fact]
    public async Task Who_waits_is_told_its_place_and_served_in_order()
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
    public void Who_gives_up_waiting_leaves_the_line()
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
    public void What_a_forgotten_conversation_had_is_not_found_again()
    {
        var table = new SlotTable(1);
        Leave(table.Request("a", 1));
        table.Forget("a");
        using SlotLease a = table.Request("a", 1);
        Assert.Null(a.Slot!.Content);
    }

    /// <summary>Leaves the slot with something in it, as a reply does that ended in order.</summary>
    private static int Leave(SlotLease lease)
    {
        Slot slot = lease.Slot!;
        slot.Content = new SlotContent(lease.ConversationId, 0, new CacheLayout(4, 60), 10);
        lease.Dispose();
        return slot.Index;
    }
}
