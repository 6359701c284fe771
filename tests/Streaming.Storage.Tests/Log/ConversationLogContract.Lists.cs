using System.Diagnostics;
using System.Globalization;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Lists of an owner's, running and hidden conversations; hiding and erasing.</summary>
public abstract partial class ConversationLogContract
{
    [Fact]
    public async Task An_owners_conversations_are_listed_last_active_first()
    {
        TestWriter oldest = await TestWriter.CreateAsync(Log, "oldest", at: TestWriter.Start.AddHours(1));
        await TestWriter.CreateAsync(Log, "middle", at: TestWriter.Start.AddHours(2));
        await TestWriter.CreateAsync(Log, "newest", at: TestWriter.Start.AddHours(3));
        await TestWriter.CreateAsync(Log, "foreign", owner: "another", at: TestWriter.Start.AddHours(4));

        Assert.Equal(["newest", "middle", "oldest"], await OwnedAsync());
        await oldest.AppendAsync(oldest.Message("again", at: TestWriter.Start.AddHours(5)));
        Assert.Equal(["oldest", "newest", "middle"], await OwnedAsync());
        await oldest.AppendAsync(oldest.Group("x"));
        Assert.Equal(["oldest", "newest", "middle"], await OwnedAsync());
        Assert.Equal(["foreign"], await OwnedAsync("another"));
        Assert.Empty(await OwnedAsync("nobody"));
    }

    [Fact]
    public async Task An_entry_has_the_conversations_title_and_times()
    {
        await Log.CreateAsync(new NewLog("conversation", "owner", "first title", TestWriter.Start), Token);
        TestWriter writer = await TestWriter.OpenAsync(Log);
        await writer.AppendAsync(writer.Message("hello", at: TestWriter.Start.AddMinutes(1)));

        Assert.Equal(
            [new ConversationEntry("conversation", "first title", TestWriter.Start, TestWriter.Start.AddMinutes(1))],
            (await Log.ListOwnedAsync("owner", null, 10, Token)).Items
        );
        await Log.RetitleAsync("conversation", "Zweiter Titel ✓", Token);
        Assert.Equal("Zweiter Titel ✓", (await Log.ListOwnedAsync("owner", null, 10, Token)).Items[0].Title);
        await Log.RetitleAsync("conversation", null, Token);
        Assert.Null((await Log.ListOwnedAsync("owner", null, 10, Token)).Items[0].Title);
    }

    [Fact]
    public async Task Pages_of_an_owners_list_join_without_gap_or_repetition()
    {
        // Many have the same time, so that pages end among them.
        for (int i = 0; i < 23; i++)
            await Log.CreateAsync(new NewLog($"c{i:00}", "owner", null, TestWriter.Start.AddMinutes(i / 10)), Token);

        var pages = new List<string[]>();
        string? next = null;
        do
        {
            ConversationPage page = await Log.ListOwnedAsync("owner", next, 5, Token);
            pages.Add([.. page.Items.Select(item => item.Id)]);
            next = page.Next;
        } while (next is not null);

        Assert.Equal([5, 5, 5, 5, 3], pages.Select(page => page.Length));
        Assert.Equal(await OwnedAsync(), pages.SelectMany(page => page));
        Assert.Equal(23, pages.SelectMany(page => page).Distinct().Count());
    }

    [Fact]
    public async Task The_last_page_has_no_next()
    {
        await TestWriter.CreateAsync(Log, "one");
        await TestWriter.CreateAsync(Log, "two");

        Assert.NotNull((await Log.ListOwnedAsync("owner", null, 1, Token)).Next);
        Assert.Null((await Log.ListOwnedAsync("owner", null, 2, Token)).Next);
    }

    [Fact]
    public async Task Thousands_of_conversations_of_an_owner_and_the_running_ones_are_listed_in_order()
    {
        int count = _store.ManyConversations;
        const int running = 1_000;
        await _store.SeedAsync(
            [.. Enumerable.Range(0, count).Select(i => new NewLog($"c{i:00000}", "owner", $"title {i}", TestWriter.Start.AddSeconds(i)))],
            running
        );

        var clock = Stopwatch.StartNew();
        var seen = new List<ConversationEntry>();
        string? next = null;
        do
        {
            ConversationPage page = await Log.ListOwnedAsync("owner", next, 200, Token);
            seen.AddRange(page.Items);
            next = page.Next;
        } while (next is not null);
        TimeSpan owned = clock.Elapsed;
        var runs = new List<string>();
        while (await Log.ListRunningAsync(runs.LastOrDefault(), 128, Token) is { Count: > 0 } page)
            runs.AddRange(page);

        TestContext.Current.SendDiagnosticMessage(
            $"{count} conversations listed in {owned.TotalSeconds:F1} s, {running} running ones in "
                + $"{(clock.Elapsed - owned).TotalSeconds:F1} s."
        );
        Assert.Equal(
            Enumerable.Range(0, count).Reverse().Select(i => (Id: $"c{i:00000}", Title: $"title {i}")),
            seen.Select(item => (item.Id, item.Title!))
        );
        Assert.Equal(Enumerable.Range(0, running).Select(i => $"c{i:00000}"), runs);
    }

    [Fact]
    public async Task A_cursor_that_no_page_returned_is_refused()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Log.ListOwnedAsync("owner", "nonsense", 10, Token));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Log.ListOwnedAsync("owner", null, 0, Token));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Log.ListRunningAsync(null, 0, Token));
    }

    [Fact]
    public async Task Running_conversations_are_listed_until_they_stop()
    {
        var writers = new List<TestWriter>();
        foreach (string id in new[] { "c", "a", "d", "b" })
            writers.Add(await TestWriter.CreateAsync(Log, id));
        foreach (TestWriter writer in writers)
            await writer.AppendAsync(writer.Message("hello"));

        Assert.Equal(["a", "b", "c", "d"], await Log.ListRunningAsync(null, 10, Token));
        Assert.Equal(["a", "b"], await Log.ListRunningAsync(null, 2, Token));
        Assert.Equal(["c", "d"], await Log.ListRunningAsync("b", 2, Token));
        await writers[0].AppendAsync(writers[0].Next() with { Running = false });
        Assert.Equal(["a", "b", "d"], await Log.ListRunningAsync(null, 10, Token));
        await _store.ReopenAsync();
        Assert.Equal(["a", "b", "d"], await Log.ListRunningAsync(null, 10, Token));
    }

    [Fact]
    public async Task Hiding_fences_the_writer_and_removes_the_conversation_from_the_lists()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        DateTimeOffset at = TestWriter.Start.AddHours(1);

        await Log.HideAsync("conversation", at, Token);
        await Log.HideAsync("conversation", at.AddHours(1), Token);

        LogHead head = await HeadAsync();
        Assert.Equal((at, 2L), (head.HiddenAt, head.Epoch));
        await Assert.ThrowsAsync<LogFencedException>(() => writer.AppendAsync(writer.Group("x")));
        await Assert.ThrowsAsync<LogFencedException>(() => TestWriter.OpenAsync(Log));
        await Assert.ThrowsAsync<LogExistsException>(() => TestWriter.CreateAsync(Log));
        Assert.Empty(await OwnedAsync());
        Assert.Empty(await Log.ListRunningAsync(null, 10, Token));
        Assert.Equal(["hello"], (await EventsAsync()).Select(e => e.Text));
    }

    [Fact]
    public async Task Hidden_conversations_are_listed_in_the_order_of_hiding()
    {
        foreach ((string? id, int hour) in new[] { ("late", 3), ("early", 1), ("middle", 2) })
        {
            await TestWriter.CreateAsync(Log, id);
            await Log.HideAsync(id, TestWriter.Start.AddHours(hour), Token);
        }

        await TestWriter.CreateAsync(Log, "shown");

        Assert.Equal(["early", "middle"], await Log.ListHiddenAsync(TestWriter.Start.AddHours(2), 10, Token));
        Assert.Equal(["early"], await Log.ListHiddenAsync(TestWriter.Start.AddHours(9), 1, Token));
        Assert.Empty(await Log.ListHiddenAsync(TestWriter.Start, 10, Token));
    }

    [Fact]
    public async Task Erasing_a_conversation_that_is_not_hidden_is_refused()
    {
        await TestWriter.CreateAsync(Log);

        await Assert.ThrowsAsync<InvalidOperationException>(() => Log.EraseAsync("conversation", Token));

        Assert.NotNull(await Log.ReadHeadAsync("conversation", Token));
    }

    [Fact]
    public async Task Erasing_leaves_nothing_and_frees_the_id()
    {
        TestWriter other = await TestWriter.CreateAsync(Log, "other");
        await other.AppendAsync(other.Message("stays", hash: "h"));
        await WriteLongConversationAsync();
        await Log.HideAsync("conversation", TestWriter.Start, Token);

        await Log.EraseAsync("conversation", Token);

        await AssertErasedAsync();
        Assert.Equal(["stays"], (await EventsAsync(id: "other")).Select(e => e.Text));
        await Log.EraseAsync("conversation", Token);
    }

    [Fact]
    public async Task An_interrupted_erasure_is_continued()
    {
        await WriteLongConversationAsync();
        await Log.HideAsync("conversation", TestWriter.Start, Token);

        await _store.EraseThatIsInterruptedAsync("conversation");

        Assert.Equal(["conversation"], await Log.ListHiddenAsync(TestWriter.Start, 10, Token));
        Assert.InRange((await EventsAsync()).Count, 1, 1_299);
        await _store.ReopenAsync();
        await Log.EraseAsync("conversation", Token);
        await AssertErasedAsync();
    }

    private async Task<string[]> OwnedAsync(string owner = "owner") =>
        [.. (await Log.ListOwnedAsync(owner, null, 5_000, Token)).Items.Select(item => item.Id)];

    /// <summary>1,300 events, 100,010 ids, two branches, 100 receipts: more than one step of any store.</summary>
    private async Task WriteLongConversationAsync()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        for (int i = 0; i < 100; i++)
            await writer.AppendAsync(writer.Message("hello", hash: i.ToString(CultureInfo.InvariantCulture)));
        await writer.AppendAsync(writer.Cut(0, ids: 10));
        IEnumerable<LogEvent> events = Enumerable
            .Range(0, 1_199)
            .Select(i => writer.Group("x").Events[0] with { First = writer.Head.LastSeq + 1 + i, Last = writer.Head.LastSeq + 1 + i });
        await writer.AppendAsync(writer.Next() with { Events = [.. events], Ids = TestWriter.Ids(0, 100_000) });
    }

    private async Task AssertErasedAsync()
    {
        Assert.Null(await Log.ReadHeadAsync("conversation", Token));
        Assert.Empty(await Log.ListHiddenAsync(DateTimeOffset.MaxValue, 10, Token));
        TestWriter again = await TestWriter.CreateAsync(Log);
        Assert.Equal((1L, 0L), (again.Head.Epoch, again.Head.LastSeq));
        Assert.Empty(await EventsAsync());
        Assert.Null(await Log.FindMessageAsync("conversation", "1", Token));
        Assert.Empty(await IdsAsync(0, 0, 100));
        await Log.HideAsync("conversation", TestWriter.Start, Token);
    }
}
