using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.AspNetCore.SignalR;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>Silos and gateways as processes, with Azure Storage's emulator as the cluster's membership and store.</summary>
public sealed class AzureClusterTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _data = new();
    private AzuriteProcess _azurite = null!;

    public async ValueTask InitializeAsync() => _azurite = await AzuriteProcess.StartNewAsync();

    public async ValueTask DisposeAsync()
    {
        await _azurite.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_killed_silo_goes_on_with_its_replies_when_it_is_started_again()
    {
        await using HostProcess silo = Silo(ClusterPorts.Free());
        await silo.StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        Endless endless = await Endless.StartAsync(client);
        await endless.ReachAsync(client, 80, silo);
        string shown = endless.Text;

        await silo.KillAsync();
        await client.DisposeAsync();
        await silo.StartAsync();
        await using ChatClient again = await ChatClient.ConnectAsync(silo.Url, client.Token);

        await endless.ReachAsync(again, endless.Watcher.LastSeq + 40, silo);
        await endless.StopAsync(again);
        Assert.StartsWith(shown, endless.Text, StringComparison.Ordinal);
        await endless.AssertStoredAsShownAsync(again);
        Assert.False(Directory.Exists(Path.Combine(_data.Path, "store")), "The embedded store was made as well.");
    }

    [Fact]
    public async Task When_one_of_two_silos_is_killed_all_conversations_go_on_at_the_other()
    {
        await using HostProcess first = await Silo(ClusterPorts.Free()).StartAsync();
        await using HostProcess second = await Silo(ClusterPorts.Free()).StartAsync();
        await using HostProcess gateway = await Gateway().StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(gateway.Url);
        Endless[] conversations = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Endless.StartAsync(client)));
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, first, second, gateway)));

        await first.KillAsync();

        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 60, second, gateway)));
        foreach (Endless conversation in conversations)
        {
            await conversation.StopAsync(client);
            await conversation.AssertStoredAsShownAsync(client);
        }
    }

    [Fact]
    public async Task A_reply_waits_while_the_store_is_away_and_goes_on_without_a_gap()
    {
        await using HostProcess silo = await Silo(ClusterPorts.Free()).StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        Endless endless = await Endless.StartAsync(client);
        await endless.ReachAsync(client, 80, silo);

        await _azurite.StopAsync();
        await _azurite.StartAsync();

        await endless.ReachAsync(client, endless.Watcher.LastSeq + 60, silo);
        await endless.StopAsync(client);
        await endless.AssertStoredAsShownAsync(client);
    }

    [Fact]
    public async Task Everything_that_a_silo_makes_in_the_account_carries_the_services_prefix()
    {
        await using HostProcess silo = await Silo(ClusterPorts.Free(), "Azure:Prefix=mine").StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        await client.CreateAsync(new { });

        string[] tables = [.. new TableServiceClient(_azurite.ConnectionString).Query(cancellationToken: TestContext.Current.CancellationToken).Select(t => t.Name)];
        string[] containers = [.. new BlobServiceClient(_azurite.ConnectionString).GetBlobContainers(cancellationToken: TestContext.Current.CancellationToken).Select(c => c.Name)];
        Assert.Equal(["mineindex", "minelog", "minemembership", "minereminders"], tables.Order(StringComparer.Ordinal));
        Assert.Equal(["mine-grainstate"], containers);
    }

    private HostProcess Silo(ClusterPorts ports, params string[] settings) =>
        HostProcess.Silo(Path.Combine(_data.Path, "store"), ports, ["Storage=Azure", "Threads=1", .. Cluster, .. settings]);

    private HostProcess Gateway() => HostProcess.Gateway(ClusterPorts.Free(), ClusterPorts.FreePorts(1)[0], ["InspectCache=true", .. Cluster]);

    private string[] Cluster => ["Clustering=Azure", $"Azure:ConnectionString={_azurite.ConnectionString}"];

    /// <summary>A conversation whose reply never ends by itself, and what was seen of it.</summary>
    private sealed class Endless
    {
        private Endless(string id, int reply)
        {
            Id = id;
            Reply = reply;
            Watcher = new Watcher(id);
        }

        public Watcher Watcher { get; }

        public string Text => Watcher.TextOf(Reply);

        private string Id { get; }

        private int Reply { get; }

        public static async Task<Endless> StartAsync(ChatClient client)
        {
            ConversationView conversation = await client.CreateAsync(new { sinks = 4, window = 60, sampling = new { maxTokens = 0, ignoreEos = true, seed = 7 } });
            SentView sent = await client.SendAsync(conversation.Id, "Tell me a story that never ends.");
            return new Endless(conversation.Id, sent.Turn + 1);
        }

        /// <summary>Watches until a number is there; refused "in this moment", it asks again, as the page does.</summary>
        public async Task ReachAsync(ChatClient client, long seq, params HostProcess[] hosts)
        {
            long deadline = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
            while (Watcher.LastSeq < seq)
            {
                try
                {
                    Assert.True(await Watcher.UntilAsync(client, e => e.Seq >= seq, Limit), string.Join('\n', hosts.Select(h => h.Output)));
                }
                catch (HubException e) when (e.Message.Contains("try again in a moment", StringComparison.Ordinal) && Environment.TickCount64 < deadline)
                {
                }
            }
        }

        public async Task StopAsync(ChatClient client)
        {
            await client.StopAsync(Id, Reply);
            Assert.True(await Watcher.UntilAsync(client, e => e.Kind == "finished", Limit));
            Assert.Equal("stopped", Watcher.Events[^1].FinishReason);
        }

        public async Task AssertStoredAsShownAsync(ChatClient client)
        {
            Assert.Equal(await client.ReadTurnTextAsync(Id, Reply), Text);
            ConversationView after = await client.GetAsync(Id);
            CacheIds cache = await client.InspectCacheAsync(Id);
            Assert.Equal((after.Position, 4, 60), (cache.Position, cache.FixedIds.Count, cache.WindowIds.Count));
        }
    }
}
