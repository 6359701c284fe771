using System.Diagnostics;
using Streaming.Azurite;
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
    public async Task After_an_outage_the_writer_goes_on_where_it_was()
    {
        var writer = await TestWriter.CreateAsync(_store.Log);
        await writer.AppendAsync(writer.Message("before"));
        var append = writer.Group("after");
        await _azurite.StopAsync();

        await Assert.ThrowsAsync<LogUnavailableException>(() => writer.AppendAsync(append));
        await Assert.ThrowsAsync<LogUnavailableException>(() => _store.Log.ReadHeadAsync("conversation", Token));
        var refused = await Assert.ThrowsAsync<StoreOpenException>(_store.ReopenAsync);
        Assert.Contains("Streaming:Azure", refused.Message, StringComparison.Ordinal);
        await _azurite.StartAsync();

        await _store.ReopenAsync();
        await new TestWriter(_store.Log, writer.Head).AppendAsync(append);
        Assert.Equal(["before", "after"], (await _store.Log.ReadEventsAsync("conversation", 1, 9, 9, 999, Token)).Select(e => e.Text));
        Assert.Equal(["conversation"], await _store.Log.ListRunningAsync(null, 9, Token));
    }

    [Fact]
    public async Task A_store_that_hangs_does_not_hang_the_writer_and_the_write_counts_once()
    {
        var writer = await TestWriter.CreateAsync(_store.Log);
        await writer.AppendAsync(writer.Message("before"));
        var append = writer.Group("meanwhile");
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
}
