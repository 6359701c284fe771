using Azure;
using Azure.Data.Tables;
using Microsoft.Extensions.Time.Testing;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Azure;

/// <summary>Lost answers, races, stale list entries, and limits that the emulator does not enforce.</summary>
public sealed class AzureLogFaultTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private AzureLogUnderTest _store = null!;

    private IConversationLog Log => _store.Log;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = new AzureLogUnderTest(await azurite.GetAsync(), _time);
        await _store.ReopenAsync();
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_write_whose_answer_is_lost_is_found_by_reading_back()
    {
        _store.Faults.LoseAnswerOf(StoreFaults.IsTransaction);
        await Log.CreateAsync(new NewLog("conversation", "owner", null, TestWriter.Start), Token);
        _store.Faults.LoseAnswerOf(StoreFaults.IsTransaction);
        TestWriter writer = await TestWriter.OpenAsync(Log);
        _store.Faults.LoseAnswerOf(StoreFaults.IsTransaction);
        await writer.AppendAsync(writer.Message("hello", hash: "h"));
        _store.Faults.LoseAnswerOf(StoreFaults.IsTransaction);
        await writer.AppendAsync(writer.Group("a", "b"));
        await writer.AppendAsync(writer.Group("c"));

        Assert.Equal((1L, 4L), (writer.Head.Epoch, writer.Head.LastSeq));
        Assert.Equal(["hello", "ab", "c"], (await Log.ReadEventsAsync("conversation", 1, 9, 9, 999, Token)).Select(e => e.Text));
        _store.Faults.LoseAnswerOf(StoreFaults.IsTransaction);
        await Log.HideAsync("conversation", TestWriter.Start, Token);
        Assert.Equal(2, (await Log.ReadHeadAsync("conversation", Token))!.Epoch);
    }

    [Fact]
    public async Task A_request_that_does_not_arrive_is_reported_and_changes_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        _store.Faults.Break(StoreFaults.IsTransaction);

        await Assert.ThrowsAsync<LogUnavailableException>(() => writer.AppendAsync(writer.Message("hello")));
        _store.Faults.Mend();

        Assert.Equal(writer.Head, await Log.ReadHeadAsync("conversation", Token));
        Assert.Empty(await Log.ListRunningAsync(null, 9, Token));
        Assert.Equal(1, (await writer.AppendAsync(writer.Message("hello"))).LastSeq);
        Assert.Equal(["conversation"], await Log.ListRunningAsync(null, 9, Token));
    }

    [Fact]
    public async Task A_group_of_a_running_reply_costs_one_request()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        int before = _store.Faults.Arrived;

        for (int i = 0; i < 10; i++)
            await writer.AppendAsync(writer.Group("x"));

        Assert.Equal(10, _store.Faults.Arrived - before);
    }

    [Fact]
    public async Task Resuming_a_running_reply_costs_three_requests()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await writer.AppendAsync(writer.Group("four"));
        int before = _store.Faults.Arrived;

        LogHead head = (await Log.ReadHeadAsync("conversation", Token))!;
        await Log.OpenForWritingAsync("conversation", "next", Token);
        await Log.ReadIdsAsync("conversation", 0, 0, head.Position, Token);

        Assert.Equal(3, _store.Faults.Arrived - before);
    }

    [Fact]
    public async Task Reading_ids_before_a_turn_costs_the_same_however_often_it_was_regenerated()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 4) });
        for (int i = 0; i < 20; i++)
            await writer.AppendAsync(writer.Cut(4, ids: 2));
        int before = _store.Faults.Arrived;

        IEnumerable<int> ids = await Log.ReadIdsAsync("conversation", 20, 2, 9, Token);

        Assert.Equal([2, 3, 20_004, 20_005], ids);
        Assert.Equal(3, _store.Faults.Arrived - before); // head, the branch's own ids, the first branch's
    }

    [Fact]
    public async Task A_title_that_changes_during_a_reply_does_not_fence_its_writer()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await Log.RetitleAsync("conversation", "new", Token);

        await writer.AppendAsync(writer.Group("x"));

        Assert.Equal(2, (await Log.ReadHeadAsync("conversation", Token))!.LastSeq);
        Assert.Equal("new", Assert.Single((await Log.ListOwnedAsync("owner", null, 9, Token)).Items).Title);
    }

    [Fact]
    public async Task A_writer_overtaken_by_another_process_is_fenced_and_the_other_is_not()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        IConversationLog former = _store.Log;
        await _store.ReopenAsync();
        TestWriter other = await TestWriter.OpenAsync(Log);

        await Assert.ThrowsAsync<LogFencedException>(() => writer.AppendAsync(writer.Group("stale")));
        await Assert.ThrowsAsync<LogFencedException>(() => former.AppendAsync("conversation", writer.Group("stale"), Token));
        Assert.Equal(2, (await other.AppendAsync(other.Group("x"))).LastSeq);
    }

    [Fact]
    public async Task An_append_to_an_erased_conversation_fails_and_stores_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        IConversationLog former = _store.Log;
        await _store.ReopenAsync();
        await Log.HideAsync("conversation", TestWriter.Start, Token);
        await Log.EraseAsync("conversation", Token);

        await Assert.ThrowsAsync<LogMissingException>(() => former.AppendAsync("conversation", writer.Group("stale"), Token));
        Assert.Empty(await RowsAsync("log"));
        Assert.Empty(await RowsAsync("index"));
    }

    [Fact]
    public async Task List_entries_of_a_failed_write_are_skipped_and_removed_after_an_hour()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        _store.Faults.Break(StoreFaults.IsTransaction);
        await Assert.ThrowsAsync<LogUnavailableException>(() =>
            writer.AppendAsync(writer.Message("hello", at: TestWriter.Start.AddHours(1)))
        );
        _store.Faults.Mend();
        Assert.Equal(3, (await RowsAsync("index")).Count);

        Assert.Single((await Log.ListOwnedAsync("owner", null, 9, Token)).Items);
        Assert.Empty(await Log.ListRunningAsync(null, 9, Token));
        Assert.Equal(3, (await RowsAsync("index")).Count); // the write could still be under way
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Single((await Log.ListOwnedAsync("owner", null, 9, Token)).Items);
        Assert.Empty(await Log.ListRunningAsync(null, 9, Token));
        Assert.Single(await RowsAsync("index"));
    }

    [Fact]
    public async Task A_list_entry_that_cannot_be_removed_does_not_fail_the_append()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        _store.Faults.Break(request => request.Method == global::Azure.Core.RequestMethod.Delete);

        await writer.AppendAsync(writer.Next() with { Running = false });

        Assert.Empty(await Log.ListRunningAsync(null, 9, Token));
    }

    [Fact]
    public async Task An_id_too_long_for_a_key_is_refused()
    {
        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(() => TestWriter.CreateAsync(Log, new string('世', 81)));

        Assert.Contains("at most 400", error.Message, StringComparison.Ordinal);
        Assert.Empty(await RowsAsync("index"));
    }

    [Fact]
    public async Task An_append_beyond_Azures_limits_is_refused_also_where_the_emulator_would_take_it()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        IEnumerable<LogEvent> events = Enumerable
            .Range(0, 13_000)
            .Select(i => writer.Group("x").Events[0] with { First = i + 1, Last = i + 1 });

        ArgumentException tooManyRows = await Assert.ThrowsAsync<ArgumentException>(() =>
            writer.AppendAsync(writer.Next() with { Events = [.. events] })
        );
        ArgumentException tooMuchState = await Assert.ThrowsAsync<ArgumentException>(() =>
            writer.AppendAsync(writer.Next() with { State = new string('x', AzureHead.MaxStateBytes + 1) })
        );

        Assert.Contains("at most 100", tooManyRows.Message, StringComparison.Ordinal);
        Assert.Contains("its state has", tooMuchState.Message, StringComparison.Ordinal);
        Assert.Equal(writer.Head, await Log.ReadHeadAsync("conversation", Token));
    }

    [Fact]
    public async Task The_largest_append_is_within_Azures_limits_of_properties_and_rows()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        string text = new string('x', LogAppend.MaxBytes - AzureHead.MaxStateBytes);
        string state = new string('s', AzureHead.MaxStateBytes);

        await writer.AppendAsync(writer.Message(text) with { State = state });
        await writer.AppendAsync(
            writer.Next() with
            {
                Ids = Enumerable.Repeat(int.MaxValue, (LogAppend.MaxBytes - 1) / 4).ToArray(),
                State = "",
            }
        );

        Assert.Equal("", (await Log.ReadHeadAsync("conversation", Token))!.State);
        Assert.Equal(text, Assert.Single(await Log.ReadEventsAsync("conversation", 1, 1, 1, 1, Token)).Text);
        foreach (TableEntity row in await RowsAsync("log"))
        {
            int[] sizes = ((IDictionary<string, object>)row)
                .Values.Select(value => value is byte[] bytes ? bytes.Length : 2 * (value?.ToString()?.Length ?? 0))
                .ToArray();
            Assert.InRange(sizes.Max(), 0, 64 << 10);
            Assert.InRange(sizes.Sum(), 0, 1 << 20);
        }
    }

    [Fact]
    public async Task A_missing_table_is_not_taken_for_a_missing_conversation_and_is_not_recreated()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await _store.Table("log").DeleteAsync(Token);

        foreach (
            Func<Task> ask in new Func<Task>[]
            {
                () => Log.ReadHeadAsync("conversation", Token),
                () => writer.AppendAsync(writer.Message("hello")),
                () => Log.OpenForWritingAsync("conversation", "writer", Token),
                () => Log.CreateAsync(new NewLog("another", "owner", null, TestWriter.Start), Token),
                () => Log.RetitleAsync("conversation", "title", Token),
                () => Log.ListOwnedAsync("owner", null, 9, Token),
            }
        )
        {
            LogUnavailableException error = await Assert.ThrowsAsync<LogUnavailableException>(ask);
            Assert.Contains("TableNotFound", error.Message, StringComparison.Ordinal);
            Assert.Contains("look at the account", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_the_index_table_no_conversation_is_created()
    {
        await _store.Table("index").DeleteAsync(Token);

        await Assert.ThrowsAsync<LogUnavailableException>(() => TestWriter.CreateAsync(Log));
        await Assert.ThrowsAsync<LogUnavailableException>(() => Log.ListOwnedAsync("owner", null, 9, Token));

        Assert.Null(await Log.ReadHeadAsync("conversation", Token));
    }

    [Fact]
    public async Task A_head_that_requires_no_newer_version_has_only_the_properties_of_version_1()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));

        Assert.DoesNotContain("RequiredVersion", await _store.ReadHeadRowAsync("conversation"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_of_a_newer_schema_is_refused()
    {
        await TestWriter.CreateAsync(Log);
        var newer = new TableEntity("conversation", "head") { ["Schema"] = AzureHead.Schema + 1 };
        await _store.Table("log").UpdateEntityAsync(newer, ETag.All, TableUpdateMode.Merge, Token);

        StoreOpenException error = await Assert.ThrowsAsync<StoreOpenException>(() => Log.ReadHeadAsync("conversation", Token));

        Assert.Equal(
            "Conversation conversation in Azure Storage has schema version 2, and this program knows version 1: "
                + "run the program that wrote it, or a newer one.",
            error.Message
        );
    }

    private async Task<List<TableEntity>> RowsAsync(string table)
    {
        var rows = new List<TableEntity>();
        await foreach (TableEntity row in _store.Table(table).QueryAsync<TableEntity>(cancellationToken: Token))
            rows.Add(row);
        return rows;
    }
}
