using System.Globalization;
using Streaming.Contracts.Conversations;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Appending.</summary>
public abstract partial class ConversationLogContract
{
    [Fact]
    public async Task Concurrent_writes_to_different_conversations_do_not_mix()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(async i =>
                {
                    TestWriter writer = await TestWriter.CreateAsync(Log, $"c{i:00}");
                    await writer.AppendAsync(writer.Message($"to {i}"));
                    for (int n = 0; n < 10; n++)
                        await writer.AppendAsync(writer.Group($"{i}", ".", $"{n} "));
                })
        );

        for (int i = 0; i < 16; i++)
        {
            Assert.Equal(
                $"to {i}" + string.Concat(Enumerable.Range(0, 10).Select(n => $"{i}.{n} ")),
                string.Concat((await EventsAsync(id: $"c{i:00}")).Select(e => e.Text))
            );
            Assert.Equal(TestWriter.Ids(0, 30), await IdsAsync(0, 0, 100, id: $"c{i:00}"));
        }
    }

    [Fact]
    public async Task An_append_to_an_erased_conversation_fails_and_stores_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await Log.HideAsync("conversation", TestWriter.Start, Token);
        await Log.EraseAsync("conversation", Token);

        await Assert.ThrowsAsync<LogMissingException>(() => writer.AppendAsync(writer.Group("stale")));

        Assert.Null(await Log.ReadHeadAsync("conversation", Token));
        Assert.Empty(await Log.ListRunningAsync(null, 10, Token));
    }

    [Fact]
    public async Task An_append_stores_events_ids_and_head_together()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        DateTimeOffset at = TestWriter.Start.AddTicks(123_456_789);
        LogEvent[] events =
        [
            new()
            {
                First = 1,
                Last = 1,
                Kind = EventKind.Message,
                Turn = 1,
                Author = "owner",
                Text = "Grüße, 世界 👋 \0\r\n",
                At = at,
            },
            new()
            {
                First = 2,
                Last = 2,
                Kind = EventKind.Started,
                Turn = 2,
                At = at,
            },
            new()
            {
                First = 3,
                Last = 6,
                Kind = EventKind.Delta,
                Turn = 2,
                Text = "Hi 👋!",
                TextOffset = 0,
                Lengths = [2, 0, 300 - 299, 3],
                At = at,
            },
            new()
            {
                First = 7,
                Last = 7,
                Kind = EventKind.Finished,
                Turn = 2,
                Text = " end",
                TextOffset = 6,
                At = at,
                Detail = """{"reason":"stop"}""",
            },
        ];

        LogHead head = await writer.AppendAsync(
            writer.Next() with
            {
                Events = events,
                Ids = new[] { 0, 127, 128, 16_383, 16_384, 151_643, int.MaxValue },
                LastTurn = 2,
                Running = true,
                State = """{"pending":"ü"}""",
                ActiveAt = at,
            }
        );

        var expected = new LogHead
        {
            Id = "conversation",
            Owner = "owner",
            CreatedAt = TestWriter.Start,
            ActiveAt = at,
            Epoch = 1,
            Writer = writer.Head.Writer,
            LastSeq = 7,
            Position = 7,
            LastTurn = 2,
            Running = true,
            State = """{"pending":"ü"}""",
        };
        Assert.Equal(expected, head);
        Assert.Equal(expected, await HeadAsync());
        Assert.Equivalent(events, await EventsAsync(), strict: true);
        Assert.Equal([0, 127, 128, 16_383, 16_384, 151_643, int.MaxValue], await IdsAsync(0, 0, 7));
    }

    [Fact]
    public async Task An_append_under_an_older_epoch_is_fenced_and_stores_nothing()
    {
        TestWriter older = await TestWriter.CreateAsync(Log);
        await older.AppendAsync(older.Message("first"));
        TestWriter newer = await TestWriter.OpenAsync(Log);

        await Assert.ThrowsAsync<LogFencedException>(() => older.AppendAsync(older.Message("from the past")));

        Assert.Equal(newer.Head, await HeadAsync());
        Assert.Equal(["first"], (await EventsAsync()).Select(e => e.Text));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task An_append_at_a_wrong_number_is_fenced_and_stores_nothing(int off)
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("first"));
        LogHead head = writer.Head;
        LogAppend wrong = writer.Message("wrong") with { ExpectedLastSeq = head.LastSeq + off };
        wrong = wrong with { Events = [wrong.Events[0] with { First = head.LastSeq + off + 1, Last = head.LastSeq + off + 1 }] };

        await Assert.ThrowsAsync<LogFencedException>(() => writer.AppendAsync(wrong));

        Assert.Equal(head, await HeadAsync());
        Assert.Equal(["first"], (await EventsAsync()).Select(e => e.Text));
    }

    [Fact]
    public async Task An_append_at_a_wrong_position_is_fenced_and_stores_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(0, 5) });

        await Assert.ThrowsAsync<LogFencedException>(() =>
            writer.AppendAsync(writer.Next() with { Ids = TestWriter.Ids(5, 1), ExpectedPosition = 4 })
        );

        Assert.Equal(5, (await HeadAsync()).Position);
    }

    [Fact]
    public async Task An_append_that_fails_halfway_leaves_nothing_behind_and_can_be_repeated()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("first"));
        LogHead head = writer.Head;
        LogAppend append = writer.Cut(0, ids: 2_000) with { Receipt = new MessageReceipt("hash", "text", 1, 2) };

        await _store.AppendThatFailsHalfwayAsync("conversation", append);

        Assert.Equal(head, await HeadAsync());
        Assert.Equal([(1L, 1L)], Numbers(await EventsAsync()));
        Assert.Empty(await IdsAsync(0, 0, 10));
        Assert.Null(await Log.FindMessageAsync("conversation", "hash", Token));

        await writer.AppendAsync(append);
        Assert.Equal([(1L, 1L), (2L, 2L)], Numbers(await EventsAsync()));
        Assert.Equal(TestWriter.Ids(1000, 2_000), await IdsAsync(1, 0, 2_000));
    }

    [Fact]
    public async Task A_repeated_append_returns_the_same_head_and_is_stored_once()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello", hash: "h1"));
        LogAppend append = writer.Group("a", "b");
        await _store.WithoutAnswerAsync(cancellation => Log.AppendAsync("conversation", append, cancellation));

        LogHead again = await writer.AppendAsync(append);
        LogHead thrice = await writer.AppendAsync(append);

        Assert.Equal((3L, 2L), (again.LastSeq, again.Position));
        Assert.Equal(again, thrice);
        Assert.Equal(again, await HeadAsync());
        Assert.Equal([(1L, 1L), (2L, 3L)], Numbers(await EventsAsync()));
        Assert.Equal([0, 1], await IdsAsync(0, 0, 9));
    }

    [Fact]
    public async Task A_repeated_append_of_ids_is_stored_once_and_a_later_one_of_equal_ids_is_stored()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        LogAppend append = writer.Next() with { Ids = new[] { 7, 7 } };

        await writer.AppendAsync(append);
        await writer.AppendAsync(append);
        await writer.AppendAsync(writer.Next() with { Ids = append.Ids });

        Assert.Equal([7, 7, 7, 7], await IdsAsync(0, 0, 9));
    }

    [Fact]
    public async Task A_different_append_at_the_numbers_of_the_last_is_not_taken_for_its_repetition()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        LogAppend append = writer.Message("what was stored");
        await Log.AppendAsync("conversation", append, Token);

        await Assert.ThrowsAsync<LogFencedException>(() => writer.AppendAsync(writer.Message("something else")));

        Assert.Equal(["what was stored"], (await EventsAsync()).Select(e => e.Text));
    }

    [Fact]
    public async Task Only_the_last_append_can_be_repeated()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        LogAppend first = writer.Message("first");
        await writer.AppendAsync(first);
        await writer.AppendAsync(writer.Message("second"));

        await Assert.ThrowsAsync<LogFencedException>(() => Log.AppendAsync("conversation", first, Token));
    }

    [Fact]
    public async Task One_of_the_appends_that_race_for_a_number_is_stored()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        LogAppend[] appends = Enumerable.Range(0, 16).Select(i => writer.Message(i.ToString(CultureInfo.InvariantCulture))).ToArray();

        string?[] outcomes = await Task.WhenAll(
            appends.Select(async append =>
            {
                try
                {
                    await Log.AppendAsync("conversation", append, Token);
                    return append.Events[0].Text;
                }
                catch (LogFencedException)
                {
                    return null;
                }
            })
        );

        Assert.Equal(outcomes.OfType<string>(), (await EventsAsync()).Select(e => e.Text));
        Assert.Single(outcomes.OfType<string>());
    }

    [Fact]
    public async Task A_message_of_one_MiB_is_stored_whole()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        string text = string.Concat(Enumerable.Repeat("世a", 262_144));

        await writer.AppendAsync(writer.Message(text, hash: "h"));

        Assert.Equal(text, Assert.Single(await EventsAsync()).Text);
    }

    [Fact]
    public async Task An_unpaired_surrogate_becomes_a_replacement_character_of_the_same_length()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);

        await writer.AppendAsync(writer.Group("a\ud83d", "b", "\udc4bc"));

        LogEvent stored = Assert.Single(await EventsAsync());
        Assert.Equal("a\ufffdb\ufffdc", stored.Text);
        Assert.Equal([2, 1, 2], stored.Lengths);
    }

    [Fact]
    public async Task A_receipt_is_found_by_its_hash()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await TestWriter.CreateAsync(Log, "another");
        await writer.AppendAsync(writer.Message("hello", hash: "h1"));
        await writer.AppendAsync(writer.Message("world", hash: "h2"));

        Assert.Equal(new MessageReceipt("h1", "text of h1", 1, 1), await Log.FindMessageAsync("conversation", "h1", Token));
        Assert.Equal(new MessageReceipt("h2", "text of h2", 2, 2), await Log.FindMessageAsync("conversation", "h2", Token));
        Assert.Null(await Log.FindMessageAsync("conversation", "h3", Token));
        Assert.Null(await Log.FindMessageAsync("another", "h1", Token));
    }

    [Fact]
    public async Task A_second_receipt_for_a_message_is_refused_and_stores_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello", hash: "h1"));

        await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(writer.Message("again", hash: "h1")));

        Assert.Equal(writer.Head, await HeadAsync());
        Assert.Equal(["hello"], (await EventsAsync()).Select(e => e.Text));
    }

    public static TheoryData<string, Func<TestWriter, LogAppend>> Contradictions =>
        new()
        {
            { "a gap in the numbers", w => Changed(w.Message("x"), e => e with { First = 4, Last = 4 }) },
            { "a range that ends before it starts", w => Changed(w.Group("x"), e => e with { Last = e.First - 1 }) },
            { "a kind that is not stored", w => Changed(w.Message("x"), e => e with { Kind = EventKind.Progress }) },
            { "a message of two numbers", w => Changed(w.Message("x"), e => e with { Last = e.First + 1 }) },
            { "a length too few", w => Changed(w.Group("x", "y"), e => e with { Lengths = [2] }) },
            { "lengths that do not add up", w => Changed(w.Group("x", "y"), e => e with { Lengths = [1, 2] }) },
            { "a negative length", w => Changed(w.Group("x", "y"), e => e with { Lengths = [3, -1] }) },
            { "a delta without lengths", w => Changed(w.Group("x", "y"), e => e with { Lengths = [] }) },
            { "a negative id", w => w.Next() with { Ids = new[] { -1 } } },
            { "ids alone without the expected position", w => w.Next() with { Ids = TestWriter.Ids(1, 1), ExpectedPosition = null } },
            { "a cut without its event", w => w.Next() with { CutTo = 0 } },
            { "a cut beyond the stream", w => w.Cut(4) },
            { "a cut before the stream", w => w.Cut(-1) },
            { "a turn that goes down", w => w.Next() with { LastTurn = 0 } },
            { "too much text", w => w.Message(new string('x', LogAppend.MaxBytes + 1)) },
            { "too many ids", w => w.Next() with { Ids = new int[(LogAppend.MaxBytes / 4) + 1] } },
        };

    [Theory]
    [MemberData(nameof(Contradictions), DisableDiscoveryEnumeration = true)]
    public async Task An_append_that_contradicts_itself_is_refused_and_stores_nothing(string what, Func<TestWriter, LogAppend> make)
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("first") with { Ids = TestWriter.Ids(0, 3) });
        LogHead head = writer.Head;

        ArgumentException error = await Assert.ThrowsAsync<ArgumentException>(() => writer.AppendAsync(make(writer)));

        Assert.StartsWith("An append to the log is wrong: ", error.Message, StringComparison.Ordinal);
        Assert.True(head == await HeadAsync(), what);
        Assert.Single(await EventsAsync());
        Assert.Equal([0, 1, 2], await IdsAsync(0, 0, 100));
    }

    private static LogAppend Changed(LogAppend append, Func<LogEvent, LogEvent> change) =>
        append with
        {
            Events = [change(append.Events[0])],
        };
}
