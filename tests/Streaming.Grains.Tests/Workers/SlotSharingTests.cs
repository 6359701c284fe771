using Streaming.Grains.Workers;
using Streaming.Inference.Batching;
using Streaming.Inference.Caching;
using Streaming.Inference.Sampling;

namespace Streaming.Grains.Tests.Workers;

/// <summary>Slots are shared by time when more want to talk than fit. Each step of the test gives every slot one token.</summary>
public class SlotSharingTests
{
    private const int Slice = 32;

    private readonly List<DeviceSlot> _asked = [];
    private readonly Dictionary<string, long> _tokens = [];
    private readonly Dictionary<string, string> _owners = [];
    private int _swaps;

    [Fact]
    public void A_newcomer_gets_a_slot_within_the_shortest_slice_while_another_owner_talks_endlessly()
    {
        SlotTable table = Table(2);
        for (int i = 0; i < 3; i++)
            Talk(table, $"greedy-{i}", "greedy");
        for (int when = 0; when < 100; when++)
        {
            Run(table, 17);
            using SlotLease newcomer = Talk(table, $"hello-{when}", "newcomer");
            int steps = 0;
            for (; newcomer.Slot is null; steps++)
                Run(table, 1);
            Assert.InRange(steps, 0, Slice);
            Run(table, 5);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Owners_of_unequal_greed_get_equal_tokens(int slots)
    {
        SlotTable table = Table(slots);
        foreach ((string owner, int conversations) in new[] { ("a", 12), ("b", 4), ("c", 3) })
        {
            for (int i = 0; i < conversations; i++)
                Talk(table, $"{owner}{i}", owner);
        }
        const int Steps = 30_000;
        Run(table, Steps);

        long[] byOwner = [.. ByOwner().Values];
        Assert.Equal((long)slots * Steps, byOwner.Sum());
        Assert.InRange(byOwner.Max() - byOwner.Min(), 0, 2 * Slice * slots);
        foreach (IGrouping<string, string> conversations in _owners.GroupBy(o => o.Value, o => o.Key))
        {
            long[] tokens = [.. conversations.Select(c => _tokens[c])];
            Assert.InRange(tokens.Max() - tokens.Min(), 0, 4 * Slice * slots);
        }
        Assert.InRange(_swaps, Steps * slots / Slice / 4, Steps * slots / Slice);
    }

    [Fact]
    public void An_owner_who_wants_less_than_its_share_never_gives_its_slot_up()
    {
        SlotTable table = Table(3);
        for (int i = 0; i < 9; i++)
            Talk(table, $"greedy-{i}", "greedy");
        Talk(table, "modest", "modest");
        Run(table, Slice + 1);
        Run(table, 1000);
        Assert.InRange(_tokens["modest"], 1000, 1000 + Slice);
    }

    [Fact]
    public void What_was_taken_while_nobody_waited_does_not_count()
    {
        SlotTable table = Table(2);
        Talk(table, "early", "a");
        Run(table, 100_000);
        Talk(table, "b1", "b");
        Run(table, 50_000);
        Talk(table, "b2", "b");
        Talk(table, "b3", "b");
        _tokens.Clear();
        Run(table, 4000);
        Assert.InRange(ByOwner()["a"], 4000 - 4 * Slice, 4000);
    }

    [Fact]
    public void An_owner_of_many_short_replies_is_no_newcomer_for_ever()
    {
        SlotTable table = Table(1);
        Talk(table, "steady", "a");
        Talk(table, "other", "b");
        for (int i = 0; i < 200; i++)
        {
            using SlotLease brief = Talk(table, $"brief-{i}", "c");
            for (int step = 0; step < 10_000 && (brief.Slot is null || _tokens.GetValueOrDefault($"brief-{i}") < Slice); step++)
                Run(table, 1);
        }
        Dictionary<string, long> byOwner = ByOwner();
        Assert.InRange(byOwner["c"], 0, byOwner["a"] + 4 * Slice);
        Assert.InRange(byOwner["a"] - byOwner["b"], -4 * Slice, 4 * Slice);
    }

    [Fact]
    public void A_prompt_counts_as_its_tokens()
    {
        SlotTable table = Table(1);
        SlotLease reader = Talk(table, "reader", "a");
        reader.Charge(1000);
        Talk(table, "waits", "b");
        reader.Charge(1000);
        Run(table, 1);
        Assert.Null(reader.Slot);
        Run(table, 1000 - Slice);
        Assert.Null(reader.Slot);
    }

    [Fact]
    public void Slices_are_so_long_that_copies_take_a_twentieth_of_the_time_within_limits()
    {
        var slices = new TimeSlices(slots: 4, shortest: 16, longest: 500);
        Assert.Equal((16, null), (slices.Tokens, slices.Duration));
        slices.Measured(100, TimeSpan.FromSeconds(4), TimeSpan.FromMilliseconds(25)); // 40 ms a token
        Assert.Equal(100, slices.Tokens); // 4 s, in which 4 slots are copied out and in for 200 ms
        Assert.Equal(TimeSpan.FromSeconds(4), slices.Duration);
        for (int i = 0; i < 50; i++)
            slices.Measured(100, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1));
        Assert.Equal(500, slices.Tokens);
        for (int i = 0; i < 100; i++)
            slices.Measured(100, TimeSpan.FromSeconds(4), TimeSpan.Zero);
        Assert.Equal(16, slices.Tokens);
    }

    private SlotTable Table(int slots) => new(slots, new TimeSlices(slots, Slice, Slice), null, _asked.Add);

    private SlotLease Talk(SlotTable table, string conversation, string owner)
    {
        _owners[conversation] = owner;
        return table.Request(conversation, 1, owner);
    }

    private Dictionary<string, long> ByOwner() => _tokens.GroupBy(t => _owners[t.Key]).ToDictionary(g => g.Key, g => g.Sum(t => t.Value));

    private void Run(SlotTable table, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            foreach (DeviceSlot slot in _asked)
            {
                if (slot.Lease is not { IsYielding: true } lease)
                    continue;
                _swaps++;
                lease.Yield(Preempted());
            }
            _asked.Clear();
            foreach (SlotLease lease in table.Leases().Where(lease => lease.Slot is not null))
            {
                _tokens[lease.ConversationId] = _tokens.GetValueOrDefault(lease.ConversationId) + 1;
                lease.Charge(1);
            }
        }
    }

    private static DecodePreempted Preempted() =>
        new(
            new DecodeJob
            {
                Slot = 0,
                Layout = new CacheLayout(4, 60),
                Input = [],
                Sampling = new SamplingParameters(),
            },
            IsComplete: true,
            new DecodeEnded(EndReason.Stopped, "", 0, TimeSpan.Zero, TimeSpan.Zero),
            TimeSpan.Zero
        );
}
