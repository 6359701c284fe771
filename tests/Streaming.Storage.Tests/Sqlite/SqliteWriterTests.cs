using Streaming.Storage.Log;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>The writer's thread: group commit, failures, its queue, crash and close.</summary>
public sealed class SqliteWriterTests : IAsyncLifetime
{
    private const int QueueLimit = 1024;
    private readonly SqliteLogUnderTest _store = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Queued_appends_share_one_commit()
    {
        TestWriter[] writers = await CreateAsync(100);
        long before = _store.Store.Commits;

        Task<LogHead>[] appends;
        using (_store.HoldWriters())
            appends = [.. writers.Select(writer => writer.AppendAsync(writer.Message("hello")))];
        await Task.WhenAll(appends);

        Assert.Equal(before + 1, _store.Store.Commits);
        foreach (TestWriter writer in writers)
            Assert.Equal(writer.Head, await _store.Log.ReadHeadAsync(writer.Id, Token));
    }

    [Fact]
    public async Task A_commit_closes_at_eight_MiB()
    {
        TestWriter[] writers = await CreateAsync(12);
        long before = _store.Store.Commits;

        Task<LogHead>[] appends;
        using (_store.HoldWriters())
            appends = [.. writers.Select(writer => writer.AppendAsync(writer.Message(new string('x', 1 << 20))))];
        await Task.WhenAll(appends);

        Assert.Equal(before + 2, _store.Store.Commits);
    }

    [Fact]
    public async Task A_failed_write_does_not_affect_others_of_its_commit()
    {
        TestWriter[] writers = await CreateAsync(3);
        long before = _store.Store.Commits;

        Task<LogHead> first,
            stale,
            last;
        using (_store.HoldWriters())
        {
            first = writers[0].AppendAsync(writers[0].Message("first"));
            stale = writers[1].AppendAsync(writers[1].Message("stale") with { Epoch = 7 });
            last = writers[2].AppendAsync(writers[2].Message("last"));
        }

        await Assert.ThrowsAsync<LogFencedException>(() => stale);
        Assert.Equal((1L, 1L), ((await first).LastSeq, (await last).LastSeq));
        Assert.Equal(before + 1, _store.Store.Commits);
    }

    [Fact]
    public async Task A_failed_commit_fails_all_its_writes_and_the_next_one_succeeds()
    {
        TestWriter[] writers = await CreateAsync(3);
        LogAppend[] appends = [.. writers.Select((writer, i) => writer.Message("hello", hash: i == 1 ? "h" : null))];
        Task<LogHead>[] failing;
        using (_store.FailCommitsWithReceipts())
        {
            using (_store.HoldWriters())
                failing = [.. writers.Select((writer, i) => writer.AppendAsync(appends[i]))];
            foreach (Task<LogHead> append in failing)
                await Assert.ThrowsAsync<LogUnavailableException>(() => append);
        }

        foreach (TestWriter writer in writers)
            Assert.Equal(0, (await _store.Log.ReadHeadAsync(writer.Id, Token))!.LastSeq);
        for (int i = 0; i < 3; i++)
            Assert.Equal(1, (await writers[i].AppendAsync(appends[i])).LastSeq);
    }

    [Fact]
    public async Task An_error_never_quotes_a_message()
    {
        TestWriter writer = (await CreateAsync(1))[0];
        LogException error;
        using (_store.FailCommitsWithReceipts())
            error = await Assert.ThrowsAsync<LogUnavailableException>(() => writer.AppendAsync(writer.Message("private words", hash: "h")));

        Assert.DoesNotContain("private words", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_cancelled_while_the_queue_is_full_is_not_executed()
    {
        using var impatience = new CancellationTokenSource();
        Task[] queued;
        using (_store.HoldWriters())
        {
            queued = [.. Enumerable.Range(0, QueueLimit).Select(i => _store.Log.CreateAsync(New($"c{i}"), Token))];
            Task tooMany = _store.Log.CreateAsync(New("one too many"), impatience.Token);
            await impatience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tooMany);
        }

        await Task.WhenAll(queued);
        Assert.Equal(QueueLimit, (await _store.Log.ListOwnedAsync("owner", null, 2 * QueueLimit, Token)).Items.Count);
        Assert.Null(await _store.Log.ReadHeadAsync("one too many", Token));
    }

    [Fact]
    public async Task Closing_finishes_queued_writes_and_refuses_later_ones()
    {
        IConversationLog log = _store.Log;
        Task[] queued;
        Task closing;
        using (_store.HoldWriters())
        {
            queued = [.. Enumerable.Range(0, 50).Select(i => log.CreateAsync(New($"c{i}"), Token))];
            closing = Task.Run(_store.Store.Dispose, Token);
        }

        await Task.WhenAll(queued);
        await closing;
        await Assert.ThrowsAsync<LogUnavailableException>(() => log.CreateAsync(New("late"), Token));
        await Assert.ThrowsAsync<LogUnavailableException>(() => log.ReadHeadAsync("c0", Token));
        await _store.ReopenAsync();
        Assert.Equal(50, (await _store.Log.ListOwnedAsync("owner", null, 100, Token)).Items.Count);
    }

    [Fact]
    public async Task Acknowledged_writes_survive_a_crash_at_any_moment()
    {
        // The files as a killed process leaves them: copied while the store is open, before the write-ahead log is checkpointed.
        TestWriter writer = (await CreateAsync(1))[0];
        for (int i = 0; i < 40; i++)
        {
            await writer.AppendAsync(writer.Group("token ", "by ", "token "));
            if (i % 8 != 0)
                continue;
            using var crashed = new TemporaryFolder();
            File.Copy(Path.Combine(_store.Folder, "conversations.db"), crashed.Database);
            File.Copy(Path.Combine(_store.Folder, "conversations.db-wal"), crashed.Database + "-wal");
            using SqliteStore store = SqliteLogUnderTest.OpenStore(crashed.Path);
            var log = new Streaming.Storage.Sqlite.SqliteConversationLog(store);

            Assert.Equal(writer.Head, await log.ReadHeadAsync(writer.Id, Token));
            Assert.Equal(i + 1, (await log.ReadEventsAsync(writer.Id, 1, long.MaxValue, 100, int.MaxValue, Token)).Count);
            Assert.Equal(3 * (i + 1), (await log.ReadIdsAsync(writer.Id, 0, 0, 1_000, Token)).Length);
        }
    }

    [Fact]
    public async Task An_erasure_commits_every_500_rows_and_every_4_MiB()
    {
        TestWriter[] writers = await CreateAsync(2);
        IEnumerable<LogEvent> messages = Enumerable
            .Range(1, 1_200)
            .Select(i => writers[0].Message("x").Events[0] with { First = i, Last = i });
        await writers[0].AppendAsync(writers[0].Next() with { Events = [.. messages], Ids = TestWriter.Ids(0, 10 * 1024) });
        for (int i = 0; i < 10; i++)
            await writers[1].AppendAsync(writers[1].Message(new string('x', 1 << 20)));

        Assert.Equal(3, await CommitsOfErasingAsync("c0")); // 500 events; 500; 200, 10 rows of ids and the head
        Assert.Equal(3, await CommitsOfErasingAsync("c1")); // 4 messages; 4; 2 and the head
    }

    [Fact]
    public async Task A_cancelled_erasure_is_continued_by_the_next_call()
    {
        TestWriter writer = (await CreateAsync(1))[0];
        for (int i = 0; i < 10; i++)
            await writer.AppendAsync(writer.Message(new string('x', 1 << 20)));
        await _store.Log.HideAsync("c0", TestWriter.Start, Token);

        using var stopping = new CancellationTokenSource();
        using (_store.HoldWriters())
        {
            Task erasing = _store.Log.EraseAsync("c0", stopping.Token);
            await stopping.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => erasing);
        }

        Assert.Equal(6, (await EventsAfterTheNextCommitAsync("c0")).Count);
        await _store.Log.EraseAsync("c0", Token);
        Assert.Null(await _store.Log.ReadHeadAsync("c0", Token));
    }

    [Fact]
    public async Task The_write_ahead_log_stays_short()
    {
        TestWriter writer = (await CreateAsync(1))[0];
        for (int i = 0; i < 40; i++)
            await writer.AppendAsync(writer.Message(new string('x', 1 << 20)));

        Assert.InRange(new FileInfo(Path.Combine(_store.Folder, "conversations.db-wal")).Length, 1, 16 << 20);
    }

    private async Task<long> CommitsOfErasingAsync(string id)
    {
        await _store.Log.HideAsync(id, TestWriter.Start, Token);
        long before = _store.Store.Commits;
        await _store.Log.EraseAsync(id, Token);
        Assert.Null(await _store.Log.ReadHeadAsync(id, Token));
        return _store.Store.Commits - before;
    }

    /// <summary>Commits are answered in order, so this also waits for earlier ones whose callers have gone.</summary>
    private async Task<IReadOnlyList<LogEvent>> EventsAfterTheNextCommitAsync(string id)
    {
        await _store.Log.CreateAsync(New("another"), Token);
        return await _store.Log.ReadEventsAsync(id, 1, long.MaxValue, 100, int.MaxValue, Token);
    }

    private static NewLog New(string id) => new(id, "owner", null, TestWriter.Start);

    private Task<TestWriter[]> CreateAsync(int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(i => TestWriter.CreateAsync(_store.Log, $"c{i}")));
}
