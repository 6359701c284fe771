using System.Diagnostics;
using System.Globalization;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>A store that misbehaves: replies pause and say so, then go on; nothing shown is unsaid, nothing is stored twice.</summary>
public sealed class StoreFaultTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>For how long the store is away at least; <c>tests/store-away.sh</c> makes it ten minutes.</summary>
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("STREAMING_STORE_AWAY_SECONDS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0);

    [Fact]
    public async Task Replies_outlast_whatever_the_way_to_the_store_does()
    {
        using var data = new TemporaryFolder();
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync();
        await using StoreProxy proxy = await StoreProxy.StartAsync(azurite.ConnectionString);
        await using HostProcess silo = HostProcess.Silo(
            data.Path, ClusterPorts.Free(), ["Storage=Azure", "Threads=1", .. ClusterFixture.Settings(proxy.ConnectionString)]);
        await silo.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        EndlessReply[] conversations = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => EndlessReply.StartAsync(client)));
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, silo)));

        foreach (StoreFault fault in Enum.GetValues<StoreFault>().Where(f => f != StoreFault.None))
        {
            int pauses = conversations.Sum(Pauses);
            proxy.Inject(fault);
            await proxy.HitAsync(5, Limit);
            // Each watcher learns of it by the conversation's word or by the gateway's.
            await Task.WhenAll(conversations.Select(c => c.Watcher.UntilAsync(client, e => e.Kind == "paused", Limit)));
            Assert.True(conversations.Sum(Pauses) >= pauses + conversations.Length, fault.ToString());

            proxy.Inject(StoreFault.None);
            await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40, silo)));
        }

        foreach (EndlessReply conversation in conversations)
        {
            await conversation.StopAsync(client);
            await conversation.AssertStoredAsShownAsync(client);
        }
    }

    [Fact]
    public async Task Replies_outlast_a_store_that_is_away_for_longer_than_an_activation_waits_for_it()
    {
        using var data = new TemporaryFolder();
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync();
        await using StoreProxy proxy = await StoreProxy.StartAsync(azurite.ConnectionString);
        await using HostProcess silo = HostProcess.Silo(
            data.Path, ClusterPorts.Free(), ["Storage=Azure", "Threads=1", .. ClusterFixture.Settings(proxy.ConnectionString)]);
        await silo.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        EndlessReply[] conversations = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => EndlessReply.StartAsync(client)));
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, silo)));

        proxy.Inject(StoreFault.Refused);
        await Task.WhenAll(conversations.Select(c => c.Watcher.UntilAsync(client, e => e.Kind == "paused", Limit)));
        var away = Stopwatch.StartNew();
        while (away.Elapsed < Away || !conversations.All(c => silo.Output.Contains($"{c.Id}: this activation ends", StringComparison.Ordinal)))
            await proxy.HitAsync(proxy.Hits + 1, Limit); // Somebody still tries.
        proxy.Inject(StoreFault.None);

        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40, silo)));
        foreach (EndlessReply conversation in conversations)
        {
            await conversation.StopAsync(client);
            await conversation.AssertStoredAsShownAsync(client);
        }
    }

    private static int Pauses(EndlessReply conversation) => conversation.Watcher.Passing.Count(kind => kind == "paused");
}
