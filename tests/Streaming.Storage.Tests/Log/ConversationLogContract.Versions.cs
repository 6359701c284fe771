using Streaming.Contracts;
using Streaming.Storage.Log;

namespace Streaming.Storage.Tests.Log;

/// <summary>Two versions of the program on one store: the older one reads what the newer one extended, and does not write it.</summary>
public abstract partial class ConversationLogContract
{
    private const int Newer = StoreVersion.Current + 1;

    [Fact]
    public async Task A_conversation_that_requires_a_newer_version_is_read_and_listed()
    {
        TestWriter writer = await WriteWithNewerVersionAsync();

        await _store.ReopenAsync();

        Assert.Equal(Newer, (await HeadAsync()).RequiredVersion);
        Assert.Equal(writer.Head, await HeadAsync());
        Assert.Equal(["hello", "ab", "c"], (await EventsAsync()).Select(e => e.Text));
        Assert.Equal([0, 1, 2], await IdsAsync(0, 0, 9));
        Assert.Equal(1, (await Log.FindMessageAsync("conversation", "hash", Token))!.Seq);
        Assert.Equal(["conversation"], await OwnedAsync());
        Assert.Equal(["conversation"], await Log.ListRunningAsync(null, 9, Token));
    }

    [Fact]
    public async Task A_conversation_that_requires_a_newer_version_is_not_written_and_stays_byte_for_byte()
    {
        TestWriter writer = await WriteWithNewerVersionAsync();
        string row = await _store.ReadHeadRowAsync("conversation");

        await AssertNewerVersionIsRequiredAsync(() => TestWriter.OpenAsync(Log));
        await AssertNewerVersionIsRequiredAsync(() => Log.AppendAsync("conversation", writer.Group("d"), Token));
        await AssertNewerVersionIsRequiredAsync(() => Log.HideAsync("conversation", TestWriter.Start, Token));
        await _store.ReopenAsync();
        await AssertNewerVersionIsRequiredAsync(() => TestWriter.OpenAsync(Log));

        Assert.Equal(row, await _store.ReadHeadRowAsync("conversation"));
        Assert.Equal(["hello", "ab", "c"], (await EventsAsync()).Select(e => e.Text));
        Assert.Equal(["conversation"], await OwnedAsync());
    }

    [Fact]
    public async Task A_hidden_conversation_that_requires_a_newer_version_is_not_erased()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await Log.HideAsync("conversation", TestWriter.Start, Token);
        await _store.RequireVersionAsync("conversation", Newer);
        string row = await _store.ReadHeadRowAsync("conversation");

        await AssertNewerVersionIsRequiredAsync(() => Log.EraseAsync("conversation", Token));

        Assert.Equal(row, await _store.ReadHeadRowAsync("conversation"));
        Assert.Equal(["hello"], (await EventsAsync()).Select(e => e.Text));
        await _store.RequireVersionAsync("conversation", StoreVersion.Current);
        await Log.EraseAsync("conversation", Token);
        Assert.Null(await Log.ReadHeadAsync("conversation", Token));
    }

    [Fact]
    public async Task A_writer_is_refused_when_another_process_raised_the_required_version()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello"));
        await _store.RequireVersionAsync("conversation", Newer);

        await AssertNewerVersionIsRequiredAsync(() => writer.AppendAsync(writer.Group("a")));

        Assert.Equal(["hello"], (await EventsAsync()).Select(e => e.Text));
    }

    [Fact]
    public async Task An_append_that_raises_the_required_version_can_be_repeated()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        LogAppend append = writer.Message("hello") with { RequiredVersion = Newer };

        LogHead first = await Log.AppendAsync("conversation", append, Token);

        Assert.Equal(first, await Log.AppendAsync("conversation", append, Token));
        await Assert.ThrowsAsync<LogFencedException>(() => Log.AppendAsync("conversation", append with { RequiredVersion = 1 }, Token));
    }

    /// <summary>A message, a group, and a group whose append raises the required version.</summary>
    private async Task<TestWriter> WriteWithNewerVersionAsync()
    {
        TestWriter writer = await TestWriter.CreateAsync(Log);
        await writer.AppendAsync(writer.Message("hello", hash: "hash"));
        await writer.AppendAsync(writer.Group("a", "b"));
        await writer.AppendAsync(writer.Group("c") with { RequiredVersion = Newer });
        return writer;
    }

    private static async Task AssertNewerVersionIsRequiredAsync(Func<Task> write) =>
        Assert.Equal(
            $"Conversation conversation requires store version {Newer} to be written, and this program has version "
                + $"{StoreVersion.Current}: run a newer one.",
            (await Assert.ThrowsAsync<LogVersionException>(write)).Message
        );
}
