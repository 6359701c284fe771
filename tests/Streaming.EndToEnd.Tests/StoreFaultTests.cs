using System.Diagnostics;
using System.Globalization;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>A store that fails: replies pause and say so, then continue. No shown text is lost, and nothing is stored twice.</summary>
public sealed class StoreFaultTests : IAsyncLifetime
{
    /// <summary>The least time that the store is down; <c>tests/store-faults.sh</c> makes it ten minutes.</summary>
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("STREAMING_STORE_AWAY_SECONDS") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : 0
    );

    private readonly TemporaryFolder _data = new();
    private AzuriteProcess _azurite = null!;
    private StoreProxy _proxy = null!;
    private HostProcess _silo = null!;
    private ChatClient _client = null!;
    private EndlessReply[] _conversations = [];

    /// <summary>Starts a silo that reaches the store through the proxy, and three conversations with endless replies.</summary>
    public async ValueTask InitializeAsync()
    {
        _azurite = await AzuriteProcess.StartInMemoryAsync();
        _proxy = await StoreProxy.StartAsync(_azurite.ConnectionString);
        _silo = HostProcess.Silo(
            _data.Path,
            ClusterPorts.Free(),
            ["Storage=Azure", "Threads=1", .. ClusterFixture.Settings(_proxy.ConnectionString)]
        );
        await _silo.StartAsync();
        _client = await ChatClient.ConnectAsync(_silo.Url);
        _conversations = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => EndlessReply.StartAsync(_client)));
        await Task.WhenAll(_conversations.Select(c => c.ReachAsync(_client, 80, _silo)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable? started in (IAsyncDisposable?[])[_client, _silo, _proxy, _azurite])
            await (started?.DisposeAsync() ?? ValueTask.CompletedTask);
        _data.Dispose();
    }

    [Fact]
    public async Task Replies_survive_every_kind_of_store_failure()
    {
        foreach (StoreFault fault in Enum.GetValues<StoreFault>().Where(f => f != StoreFault.None))
        {
            int pauses = _conversations.Sum(Pauses);
            _proxy.Inject(fault);
            await _proxy.HitAsync(5);
            // Each watcher is told, by the conversation or by the gateway.
            await Task.WhenAll(_conversations.Select(c => c.Watcher.UntilAsync(_client, e => e.Kind == "paused")));
            Assert.True(_conversations.Sum(Pauses) >= pauses + _conversations.Length, fault.ToString());

            await GoOnAsync(fault, TimeSpan.Zero);
        }

        await AssertStoredAsShownAsync();
    }

    [Fact]
    public async Task Replies_survive_a_store_that_is_down_for_longer_than_an_activation_waits()
    {
        _proxy.Inject(StoreFault.Refused);
        await Task.WhenAll(_conversations.Select(c => c.Watcher.UntilAsync(_client, e => e.Kind == "paused")));
        var away = Stopwatch.StartNew();
        while (
            away.Elapsed < Away
            || !_conversations.All(c => _silo.Output.Contains($"{c.Id}: this activation ends", StringComparison.Ordinal))
        )
            await _proxy.HitAsync(_proxy.Hits + 1); // The silo still tries.
        await GoOnAsync(StoreFault.Refused, away.Elapsed);
        await AssertStoredAsShownAsync();
    }

    /// <summary>Lets the store work again, and waits until every reply has continued.</summary>
    private async Task GoOnAsync(StoreFault fault, TimeSpan away)
    {
        _proxy.Inject(StoreFault.None);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(_conversations.Select(c => c.ReachAsync(_client, c.Watcher.LastSeq + 40, _silo)));
        if (Environment.GetEnvironmentVariable("STREAMING_STORE_REPORT") is { Length: > 0 } path)
        {
            string row = string.Create(
                CultureInfo.InvariantCulture,
                $"| {fault} | {away.TotalSeconds:F0} | {_conversations.Length} | {clock.Elapsed.TotalSeconds:F1} |{Environment.NewLine}"
            );
            await File.AppendAllTextAsync(path, row, TestContext.Current.CancellationToken);
        }
    }

    private async Task AssertStoredAsShownAsync()
    {
        foreach (EndlessReply conversation in _conversations)
        {
            await conversation.StopAsync(_client);
            await conversation.AssertStoredAsShownAsync(_client);
        }
    }

    private static int Pauses(EndlessReply conversation) => conversation.Watcher.Transient.Count(kind => kind == "paused");
}
