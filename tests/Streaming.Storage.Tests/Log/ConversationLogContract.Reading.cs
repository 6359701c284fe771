using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Reading events and ids.</summary>
public abstract partial class ConversationLogContract
{
    [Theory]
    [InlineData(1, 1)] // the message
    [InlineData(2, 2)] // the first group's first number
    [InlineData(4, 2)] // inside the first group
    [InlineData(6, 2)] // its last
    [InlineData(7, 7)] // the next group
    [InlineData(51, 47)] // inside the last group
    public async Task A_page_begins_with_the_row_that_contains_its_number(long from, long first)
    {
        await WriteMessageAndGroupsOfFiveAsync(groups: 10);

        IReadOnlyList<LogEvent> page = await EventsAsync(from);

        Assert.Equal(first, page[0].First);
        Assert.Equal(51, page[^1].Last);
        for (int i = 1; i < page.Count; i++)
            Assert.Equal(page[i - 1].Last + 1, page[i].First);
    }

    [Fact]
    public async Task A_page_ends_at_the_row_that_contains_its_last_number()
    {
        await WriteMessageAndGroupsOfFiveAsync(groups: 10);

        Assert.Equal([(7L, 11L), (12L, 16L)], Numbers(await EventsAsync(from: 8, to: 12)));
        Assert.Equal([(7L, 11L)], Numbers(await EventsAsync(from: 8, to: 11)));
        Assert.Empty(await EventsAsync(from: 52));
        Assert.Empty(await EventsAsync(from: 8, to: 6));
    }

    [Fact]
    public async Task A_page_has_at_most_the_rows_asked_for()
    {
        await WriteMessageAndGroupsOfFiveAsync(groups: 10);

        Assert.Equal([(2L, 6L), (7L, 11L), (12L, 16L)], Numbers(await EventsAsync(from: 2, maxRows: 3)));
    }

    [Fact]
    public async Task A_page_has_at_most_the_text_asked_for_but_at_least_one_row()
    {
        await WriteMessageAndGroupsOfFiveAsync(groups: 10); // the message has 5 bytes, each group 10

        Assert.Equal([(1L, 1L), (2L, 6L)], Numbers(await EventsAsync(maxTextBytes: 15)));
        Assert.Equal([(1L, 1L), (2L, 6L)], Numbers(await EventsAsync(maxTextBytes: 24)));
        Assert.Equal([(1L, 1L), (2L, 6L), (7L, 11L)], Numbers(await EventsAsync(maxTextBytes: 25)));
        Assert.Equal([(2L, 6L)], Numbers(await EventsAsync(from: 2, maxTextBytes: 1)));
    }

    [Fact]
    public async Task Damaged_rows_are_an_error_and_earlier_rows_are_read()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await writer.AppendAsync(writer.Group("a", "b"));
        await writer.AppendAsync(writer.Group("c", "d"));

        await _store.SpoilLastRowsAsync("conversation");

        await Assert.ThrowsAsync<InvalidDataException>(() => EventsAsync());
        await Assert.ThrowsAsync<InvalidDataException>(() => IdsAsync(0, 0, 9));
        Assert.Equal(["hello", "ab"], (await EventsAsync(to: 3, maxRows: 2)).Select(e => e.Text));
        Assert.Equal([0, 1], await IdsAsync(0, 0, 2));
        Assert.Equal(writer.Head, await HeadAsync());
    }

    [Fact]
    public async Task Conversations_do_not_see_each_others_rows()
    {
        TestWriter one = await TestWriter.CreateAsync(Log, "one");
        TestWriter two = await TestWriter.CreateAsync(Log, "two");
        await one.AppendAsync(one.Group("a"));
        await two.AppendAsync(two.Group("b", "c"));

        Assert.Equal(["a"], (await EventsAsync(id: "one")).Select(e => e.Text));
        Assert.Equal(["bc"], (await EventsAsync(id: "two")).Select(e => e.Text));
        Assert.Equal([0], await IdsAsync(0, 0, 9, id: "one"));
    }

    [Fact]
    public async Task Ids_are_read_from_any_position_to_any_other_across_rows()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        foreach (int count in new[] { 1, 16, 3, 5_000, 2, 16 })
            await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(writer.Head.Position, count) });
        long[] edges = [0, 1, 2, 16, 17, 18, 20, 21, 1_044, 1_500, 5_019, 5_020, 5_022, 5_037, 5_038];

        foreach (long from in edges)
        {
            foreach (long to in edges.Where(to => to >= from))
                Assert.Equal(TestWriter.Ids(from, (int)(to - from)), await IdsAsync(0, from, to));
        }
    }

    [Fact]
    public async Task Fewer_ids_are_read_if_the_stream_is_shorter()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 10) });

        Assert.Equal([8, 9], await IdsAsync(0, 8, 1_000_000));
        Assert.Empty(await IdsAsync(0, 10, 20));
        Assert.Empty(await IdsAsync(0, 500, 600));
    }

    [Fact]
    public async Task A_branch_sees_its_parents_ids_before_its_start_and_none_after()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 10) });
        await writer.AppendAsync(writer.Cut(4, ids: 5)); // branch 1: 0..3, 1004..1008
        await writer.AppendAsync(writer.Cut(8, ids: 2)); // branch 2: 0..3, 1004..1007, 2008, 2009
        await writer.AppendAsync(writer.Cut(6, ids: 1)); // branch 3: 0..3, 1004, 1005, 3006; its parent is branch 1
        await writer.AppendAsync(writer.Cut(2, ids: 1)); // branch 4: 0, 1, 4002
        await writer.AppendAsync(writer.Cut(3)); // branch 5: 0, 1, 4002

        Assert.Equal((3L, 5), (writer.Head.Position, writer.Head.Branch));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], await IdsAsync(0, 0, 99));
        Assert.Equal([0, 1, 2, 3, 1004, 1005, 1006, 1007, 1008], await IdsAsync(1, 0, 99));
        Assert.Equal([0, 1, 2, 3, 1004, 1005, 1006, 1007, 2008, 2009], await IdsAsync(2, 0, 99));
        Assert.Equal([0, 1, 2, 3, 1004, 1005, 3006], await IdsAsync(3, 0, 99));
        Assert.Equal([0, 1, 4002], await IdsAsync(4, 0, 99));
        Assert.Equal([0, 1, 4002], await IdsAsync(5, 0, 99));
        Assert.Equal([3, 1004, 1005, 1006, 1007, 2008], await IdsAsync(2, 3, 9));
        Assert.Equal([1005, 3006], await IdsAsync(3, 5, 7));
        Assert.Equal([2, 3], await IdsAsync(3, 2, 4));
        Assert.Equal([1, 4002], await IdsAsync(5, 1, 3));
    }

    [Fact]
    public async Task Ids_before_a_position_are_read_after_many_cuts_at_it()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 4) });
        for (int i = 0; i < 50; i++)
            await writer.AppendAsync(writer.Cut(4, ids: 2));
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(77, 1) });

        Assert.Equal([2, 3, 50_004, 50_005, 77], await IdsAsync(50, 2, 9));
        Assert.Equal([3, 25_004], await IdsAsync(25, 3, 5));
    }

    [Fact]
    public async Task An_unknown_branch_and_an_invalid_range_are_refused()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 4) });

        await Assert.ThrowsAsync<ArgumentException>(() => Log.ReadIdsAsync("conversation", 1, 0, 1, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => Log.ReadIdsAsync("conversation", -1, 0, 1, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => Log.ReadIdsAsync("conversation", 0, 2, 1, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => Log.ReadIdsAsync("conversation", 0, -1, 1, Token));
    }

    [Fact]
    public async Task Everything_is_still_there_after_the_store_is_reopened()
    {
        await WriteMessageAndGroupsOfFiveAsync(groups: 3);
        LogHead head = await HeadAsync();
        IReadOnlyList<LogEvent> events = await EventsAsync();

        await _store.ReopenAsync();

        Assert.Equal(head, await HeadAsync());
        Assert.Equivalent(events, await EventsAsync(), strict: true);
        Assert.Equal(TestWriter.Ids(0, 15), await IdsAsync(0, 0, 15));
        TestWriter next = await TestWriter.OpenAsync(Log);
        Assert.Equal(head.Epoch + 1, next.Head.Epoch);
        Assert.Equal(head.LastSeq + 1, (await next.AppendAsync(next.Message("on"))).LastSeq);
    }

    private async Task WriteMessageAndGroupsOfFiveAsync(int groups)
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        for (int i = 0; i < groups; i++)
            await writer.AppendAsync(writer.Group("é", "é", "é", "é", "é"));
    }
}
