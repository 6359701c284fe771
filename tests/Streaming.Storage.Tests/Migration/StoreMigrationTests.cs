using Azure;
using Azure.Data.Tables;
using Streaming.Contracts;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Migration;
using Streaming.Storage.Tests.Azure;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Migration;

/// <summary>An embedded store is copied to Azure Storage completely and once, however often it is interrupted.</summary>
public sealed class StoreMigrationTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private MigratedStore _store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = new MigratedStore(await azurite.GetAsync());
        await _store.FillAsync();
    }

    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Events_ids_receipts_titles_and_lists_are_copied_exactly()
    {
        var reports = new List<StoreMigrationProgress>();

        StoreMigrationSummary summary = await _store.MoveAsync(reports.Add, Token);

        await _store.AssertSameAsync();
        Assert.Equal(new StoreMigrationSummary(5, 1, 2_912, 40_018, 4, 0, WasComplete: false), summary);
        Assert.Equal([1, 2, 3, 4, 5], reports.Select(r => r.Conversations));
        Assert.Equal(new StoreMigrationProgress(5, 5, 2_912, 40_018), reports[^1]);
    }

    [Fact]
    public async Task A_moved_conversation_is_continued_where_it_was()
    {
        await _store.MoveAsync(cancellation: Token);
        IConversationLog log = await _store.OpenTargetAsync();

        TestWriter running = await TestWriter.OpenAsync(log, MigratedStore.Running);
        Assert.Equal((2L, 3L), (running.Head.Epoch, running.Head.LastSeq));
        await running.AppendAsync(running.Group("!") with { Running = false });
        TestWriter cut = await TestWriter.OpenAsync(log, MigratedStore.Cut);
        await cut.AppendAsync(cut.Cut(2, ids: 1));

        Assert.Empty(await log.ListRunningAsync(null, 9, Token));
        int[] ids = await log.ReadIdsAsync(MigratedStore.Cut, 4, 0, 9, Token);
        Assert.Equal([0, 3_001, 4_002], ids);
        await Assert.ThrowsAsync<LogFencedException>(() => TestWriter.OpenAsync(log, MigratedStore.Hidden));
        await log.EraseAsync(MigratedStore.Hidden, Token);
        Assert.Null(await log.ReadHeadAsync(MigratedStore.Hidden, Token));
    }

    [Fact]
    public async Task Killed_at_every_other_request_it_continues_to_the_same_result()
    {
        StoreMigrationSummary? summary = null;
        int kills = 0;
        for (int allowed = 1; summary is null; allowed += 2)
        {
            using var kill = new CancellationTokenSource();
            int requests = 0;
            _store.Faults.Break(_ =>
            {
                if (++requests > allowed)
                    kill.Cancel();
                return kill.IsCancellationRequested;
            });
            try
            {
                summary = await _store.MoveAsync(cancellation: kill.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or LogUnavailableException or StoreOpenException)
            {
                kills++;
            }
        }

        Assert.InRange(kills, 10, 100);
        Assert.Equal(new StoreMigrationSummary(5, 1, 2_912, 40_018, 4, 0, WasComplete: false), summary);
        await _store.AssertSameAsync();
    }

    [Fact]
    public async Task Whichever_answer_is_lost_it_continues_to_the_same_result()
    {
        StoreMigrationSummary? summary = null;
        int losses = 0;
        for (int lost = 1; summary is null; lost++)
        {
            int requests = 0;
            _store.Faults.LoseAnswerOf(_ => ++requests == lost);
            try
            {
                summary = await _store.MoveAsync(cancellation: Token);
            }
            catch (Exception e) when (e is LogUnavailableException or StoreOpenException)
            {
                losses++;
            }
        }

        Assert.InRange(losses, 10, 100);
        _store.Faults.Mend();
        await _store.AssertSameAsync();
    }

    [Fact]
    public async Task Another_run_changes_nothing_and_restores_nothing_erased()
    {
        await _store.MoveAsync(cancellation: Token);
        IConversationLog log = await _store.OpenTargetAsync();
        TestWriter running = await TestWriter.OpenAsync(log, MigratedStore.Running);
        await running.AppendAsync(running.Group(" and on"));
        await log.EraseAsync(MigratedStore.Hidden, Token);
        List<string> before = await _store.VersionsAsync();

        StoreMigrationSummary again = await _store.MoveAsync(cancellation: Token);

        Assert.Equal(new StoreMigrationSummary(5, 1, 2_912, 40_018, 4, 0, WasComplete: true), again);
        Assert.Equal(before, await _store.VersionsAsync());
    }

    [Fact]
    public async Task Events_appended_at_the_target_before_the_copy_is_complete_are_kept()
    {
        await MoveAllButOneAsync();
        IConversationLog log = await _store.OpenTargetAsync();
        TestWriter running = await TestWriter.OpenAsync(log, MigratedStore.Running);
        await running.AppendAsync(running.Group(" and on"));

        await _store.MoveAsync(cancellation: Token);

        Assert.Equal(running.Head, await log.ReadHeadAsync(MigratedStore.Running, Token));
        Assert.NotNull(await log.ReadHeadAsync(MigratedStore.Empty, Token));
    }

    [Fact]
    public async Task A_store_that_a_host_has_open_is_refused() =>
        await _store.UseAsync(async _ =>
        {
            StoreOpenException refused = await Assert.ThrowsAsync<StoreOpenException>(() => _store.MoveAsync(cancellation: Token));

            Assert.Contains("in use by another host", refused.Message, StringComparison.Ordinal);
        });

    [Fact]
    public async Task A_folder_without_a_store_is_refused_and_stays_empty()
    {
        using var folder = new Sqlite.TemporaryFolder();

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() =>
            StoreMigration.RunAsync(folder.Path, _store.Account, cancellation: Token)
        );

        Assert.Contains($"{folder.Path} holds no store to move", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_target_with_a_conversation_of_the_same_id_is_refused_and_nothing_is_written()
    {
        await TestWriter.CreateAsync(await _store.OpenTargetAsync(), MigratedStore.Empty);
        List<string> before = [.. (await VersionsOfTablesAsync()).Order(StringComparer.Ordinal)];

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() => _store.MoveAsync(cancellation: Token));

        Assert.Contains("Conversation empty is in", refused.Message, StringComparison.Ordinal);
        Assert.Contains("choose another Streaming:Azure:Prefix", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await VersionsOfTablesAsync());
    }

    [Fact]
    public async Task A_conversation_that_requires_a_newer_version_is_refused_and_not_published()
    {
        await _store.UseAsync(async log =>
        {
            TestWriter cut = await TestWriter.OpenAsync(log, MigratedStore.Cut);
            await cut.AppendAsync(cut.Group("x") with { RequiredVersion = StoreVersion.Current + 1 });
        });

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() => _store.MoveAsync(cancellation: Token));

        Assert.StartsWith("Conversation cut requires store version ", refused.Message, StringComparison.Ordinal);
        Assert.Null(await (await _store.OpenTargetAsync()).ReadHeadAsync(MigratedStore.Cut, Token));
    }

    [Fact]
    public async Task A_store_used_again_after_a_partial_copy_is_refused()
    {
        await MoveAllButOneAsync();
        await _store.UseAsync(log => TestWriter.OpenAsync(log, MigratedStore.Cut));

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() => _store.MoveAsync(cancellation: Token));

        Assert.Contains("from this one before a host used it again", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_that_is_not_read_back_exactly_is_not_published()
    {
        await _store.OpenTargetAsync();
        var foreign = new TableEntity(MigratedStore.Cut, AzureIdRows.Key(0, 3)) { ["First"] = 3L, ["Ids"] = VarInts.Encode([77]) };
        var beside = new TableEntity(MigratedStore.Cut, AzureIdRows.Key(0, 9)) { ["First"] = 9L, ["Ids"] = VarInts.Encode([77]) };
        await _store.Table("log").AddEntityAsync(foreign, Token); // where the source has a row: it is replaced
        await _store.Table("log").AddEntityAsync(beside, Token);

        StoreMigrationException refused = await Assert.ThrowsAsync<StoreMigrationException>(() => _store.MoveAsync(cancellation: Token));

        Assert.Contains("Conversation cut is not in", refused.Message, StringComparison.Ordinal);
        Assert.Null(await (await _store.OpenTargetAsync()).ReadHeadAsync(MigratedStore.Cut, Token));
        await _store.Table("log").DeleteEntityAsync(beside, ETag.All, Token);
        await _store.MoveAsync(cancellation: Token);
        await _store.AssertSameAsync();
    }

    /// <summary>Fails at the last conversation's entry in its owner's list, once all others are copied.</summary>
    private async Task MoveAllButOneAsync()
    {
        using var others = new CountdownEvent(4);
        _store.Faults.Break(request =>
            request.Uri.ToString() is var uri
            && uri.Contains("index(", StringComparison.Ordinal)
            && uri.Contains(MigratedStore.Empty, StringComparison.Ordinal)
            && others.Wait(TimeSpan.FromSeconds(30))
        );
        await Assert.ThrowsAsync<LogUnavailableException>(() => _store.MoveAsync(_ => others.Signal(), Token));
        _store.Faults.Mend();
    }

    private async Task<IEnumerable<string>> VersionsOfTablesAsync()
    {
        var versions = new List<string>();
        foreach (string purpose in new[] { "log", "index" })
        {
            await foreach (TableEntity row in _store.Table(purpose).QueryAsync<TableEntity>(cancellationToken: Token))
                versions.Add($"{row.PartitionKey} {row.RowKey} {row.ETag}");
        }

        return versions.Order(StringComparer.Ordinal);
    }
}
