using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Azurite;
using Streaming.Clustering;
using Streaming.Storage.Azure;
using Streaming.Storage.Log;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Azure;

/// <summary>An account that does not answer, and comes back.</summary>
public sealed class AzureOutageTests : IAsyncLifetime
{
    private AzuriteProcess _azurite = null!;
    private AzureLogUnderTest _store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _azurite = await AzuriteProcess.StartNewAsync();
        _store = new AzureLogUnderTest(_azurite);
        await _store.ReopenAsync();
    }

    public ValueTask DisposeAsync() => _azurite.DisposeAsync();

    [Fact]
    public async Task After_an_outage_the_writer_continues_where_it_was()
    {
        TestWriter writer = await TestWriter.CreateAsync(_store.Log);
        await writer.AppendAsync(writer.Message("before"));
        LogAppend append = writer.Group("after");
        await _azurite.StopAsync();

        await Assert.ThrowsAsync<LogUnavailableException>(() => writer.AppendAsync(append));
        await Assert.ThrowsAsync<LogUnavailableException>(() => _store.Log.ReadHeadAsync("conversation", Token));
        StoreOpenException refused = await Assert.ThrowsAsync<StoreOpenException>(_store.ReopenAsync);
        Assert.Contains("Streaming:Azure", refused.Message, StringComparison.Ordinal);
        await _azurite.StartAsync();

        await _store.ReopenAsync();
        await new TestWriter(_store.Log, writer.Head).AppendAsync(append);
        Assert.Equal(["before", "after"], (await _store.Log.ReadEventsAsync("conversation", 1, 9, 9, 999, Token)).Select(e => e.Text));
        Assert.Equal(["conversation"], await _store.Log.ListRunningAsync(null, 9, Token));
    }

    [Fact]
    public async Task A_hanging_store_does_not_block_the_writer_and_the_write_counts_once()
    {
        TestWriter writer = await TestWriter.CreateAsync(_store.Log);
        await writer.AppendAsync(writer.Message("before"));
        LogAppend append = writer.Group("meanwhile");
        _azurite.Freeze();
        var waited = Stopwatch.StartNew();

        await Assert.ThrowsAsync<LogUnavailableException>(() => writer.AppendAsync(append));
        waited.Stop();
        _azurite.Thaw();

        // Once for the write and once for reading back, 5 s each.
        Assert.InRange(waited.Elapsed, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20));
        await writer.AppendAsync(append);
        await writer.AppendAsync(append);
        Assert.Equal(["before", "meanwhile"], (await _store.Log.ReadEventsAsync("conversation", 1, 9, 9, 999, Token)).Select(e => e.Text));
    }

    [Fact]
    public async Task A_host_that_starts_while_the_account_is_busy_waits_for_it()
    {
        var account = new AzureAccount(
            new AzureSettings { ConnectionString = _azurite.ConnectionString, Prefix = AzuriteFixture.NewPrefix() }
        );
        var log = new FirstWarning();
        var service = new AzureStoreService(
            new AzureStore(account, TimeProvider.System, NullLogger<HeadIndex>.Instance),
            new AzureSnapshotStore(account),
            log
        );
        _azurite.Freeze();

        Task starting = service.StartingAsync(Token);
        string warned = await log.Seen.WaitAsync(TimeSpan.FromSeconds(60), Token);
        _azurite.Thaw();

        await starting.WaitAsync(TimeSpan.FromSeconds(60), Token);
        Assert.StartsWith("Attempt 1 of 4 to open the store: Azure Storage does not answer for", warned, StringComparison.Ordinal);
    }

    private sealed class FirstWarning : ILogger<AzureStoreService>
    {
        private readonly TaskCompletionSource<string> _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Seen => _seen.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => _seen.TrySetResult(formatter(state, exception));
    }
}
