using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Creating and opening.</summary>
public abstract partial class ConversationLogContract
{
    [Fact]
    public async Task A_new_conversation_has_an_empty_head()
    {
        await Log.CreateAsync(new NewLog("conversation", "owner", "title", TestWriter.Start), Token);

        Assert.Equal(
            new LogHead
            {
                Id = "conversation",
                Owner = "owner",
                CreatedAt = TestWriter.Start,
                ActiveAt = TestWriter.Start,
            },
            await Log.ReadHeadAsync("conversation", Token)
        );
    }

    [Fact]
    public async Task Creating_twice_is_refused_and_changes_nothing()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));

        await Assert.ThrowsAsync<LogExistsException>(() =>
            Log.CreateAsync(new NewLog("conversation", "another", null, TestWriter.Start), Token)
        );

        Assert.Equal(writer.Head, await HeadAsync());
        Assert.Empty((await Log.ListOwnedAsync("another", null, 10, Token)).Items);
    }

    [Fact]
    public async Task One_of_concurrent_creators_succeeds_and_the_others_leave_no_list_entry()
    {
        string?[] outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(async i =>
                {
                    try
                    {
                        await Log.CreateAsync(new NewLog("conversation", $"owner {i}", null, TestWriter.Start.AddSeconds(i)), Token);
                        return $"owner {i}";
                    }
                    catch (LogExistsException)
                    {
                        return null;
                    }
                })
        );

        Assert.Equal(Assert.Single(outcomes.OfType<string>()), (await HeadAsync()).Owner);
        for (int i = 0; i < 16; i++)
            Assert.Equal(outcomes[i] is null ? 0 : 1, (await Log.ListOwnedAsync($"owner {i}", null, 10, Token)).Items.Count);
    }

    [Theory]
    [InlineData("a/b\\c#d?e%f'g&h+i j")]
    [InlineData("Ünïcödé 会話 שיחה 👋")]
    [InlineData("-._~!$")]
    [InlineData("a'; DROP TABLE heads; --")]
    public async Task Ids_of_any_script_with_slashes_and_quotes_stay_distinct(string name)
    {
        await TestWriter.CreateAsync(Log, "other", owner: "other " + name);
        TestWriter writer = await TestWriter.CreateAsync(Log, name, owner: name);
        await writer.AppendAsync(writer.Message("hello", hash: name));

        Assert.Equal(name, (await HeadAsync(name)).Owner);
        Assert.Equal([name], (await Log.ListOwnedAsync(name, null, 9, Token)).Items.Select(item => item.Id));
        Assert.Equal([name], await Log.ListRunningAsync(null, 9, Token));
        Assert.Equal(name, (await Log.FindMessageAsync(name, name, Token))!.MessageHash);
        Assert.Null(await Log.ReadHeadAsync(name + " ", Token));
    }

    [Fact]
    public async Task Operations_without_a_head_fail()
    {
        Assert.Null(await Log.ReadHeadAsync("unknown", Token));
        await Assert.ThrowsAsync<LogMissingException>(() => Log.OpenForWritingAsync("unknown", "writer", Token));
        await Assert.ThrowsAsync<LogMissingException>(() =>
            Log.AppendAsync(
                "unknown",
                new LogAppend
                {
                    Epoch = 1,
                    ExpectedLastSeq = 0,
                    LastTurn = 0,
                    Running = false,
                    State = "",
                },
                Token
            )
        );
        await Assert.ThrowsAsync<LogMissingException>(() => Log.ReadEventsAsync("unknown", 1, 10, 10, 10, Token));
        await Assert.ThrowsAsync<LogMissingException>(() => Log.ReadIdsAsync("unknown", 0, 0, 1, Token));
        await Assert.ThrowsAsync<LogMissingException>(() => Log.FindMessageAsync("unknown", "hash", Token));
        await Assert.ThrowsAsync<LogMissingException>(() => Log.RetitleAsync("unknown", "title", Token));
        await Assert.ThrowsAsync<LogMissingException>(() => Log.HideAsync("unknown", TestWriter.Start, Token));
        await Log.EraseAsync("unknown", Token);
    }

    [Fact]
    public async Task Each_writer_takes_the_next_epoch()
    {
        await Log.CreateAsync(new NewLog("conversation", "owner", null, TestWriter.Start), Token);

        LogHead first = await Log.OpenForWritingAsync("conversation", "a", Token);
        LogHead second = await Log.OpenForWritingAsync("conversation", "b", Token);
        LogHead third = await Log.OpenForWritingAsync("conversation", "a", Token);

        Assert.Equal(
            [(1L, "a"), (2L, "b"), (3L, "a")],
            [(first.Epoch, first.Writer), (second.Epoch, second.Writer), (third.Epoch, third.Writer)]
        );
        Assert.Equal(third, await HeadAsync());
    }

    [Fact]
    public async Task A_writer_whose_opening_got_no_answer_gets_the_same_epoch_again()
    {
        await Log.CreateAsync(new NewLog("conversation", "owner", null, TestWriter.Start), Token);
        await _store.WithoutAnswerAsync(cancellation => Log.OpenForWritingAsync("conversation", "a", cancellation));

        Assert.Equal(1, (await Log.OpenForWritingAsync("conversation", "a", Token)).Epoch);
    }

    [Fact]
    public async Task Concurrent_openings_get_different_epochs_and_the_last_one_writes()
    {
        await Log.CreateAsync(new NewLog("conversation", "owner", null, TestWriter.Start), Token);

        TestWriter[] writers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => TestWriter.OpenAsync(Log)));

        Assert.Equal(Enumerable.Range(1, 16).Select(i => (long)i), writers.Select(w => w.Head.Epoch).Order());
        foreach (TestWriter? stale in writers.Where(w => w.Head.Epoch < 16))
            await Assert.ThrowsAsync<LogFencedException>(() => stale.AppendAsync(stale.Message("stale")));
        TestWriter last = writers.Single(w => w.Head.Epoch == 16);
        Assert.Equal(1, (await last.AppendAsync(last.Message("mine"))).LastSeq);
    }
}
