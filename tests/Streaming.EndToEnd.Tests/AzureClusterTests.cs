using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;

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
        EndlessReply endless = await EndlessReply.StartAsync(client);
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
        EndlessReply[] conversations = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => EndlessReply.StartAsync(client)));
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80, first, second, gateway)));

        await first.KillAsync();

        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 60, second, gateway)));
        foreach (EndlessReply conversation in conversations)
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
        EndlessReply endless = await EndlessReply.StartAsync(client);
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

        string[] tables =
        [
            .. new TableServiceClient(_azurite.ConnectionString)
                .Query(cancellationToken: TestContext.Current.CancellationToken)
                .Select(t => t.Name),
        ];
        string[] containers =
        [
            .. new BlobServiceClient(_azurite.ConnectionString)
                .GetBlobContainers(cancellationToken: TestContext.Current.CancellationToken)
                .Select(c => c.Name),
        ];
        Assert.Equal(["mineindex", "minelog", "minemembership", "minereminders"], tables.Order(StringComparer.Ordinal));
        Assert.Equal(["mine-grainstate", "mine-snapshots"], containers.Order(StringComparer.Ordinal));
    }

    private HostProcess Silo(ClusterPorts ports, params string[] settings) =>
        HostProcess.Silo(Path.Combine(_data.Path, "store"), ports, ["Storage=Azure", "Threads=1", .. Cluster, .. settings]);

    private HostProcess Gateway() => HostProcess.Gateway(ClusterPorts.Free(), FreePorts.Take(), ["InspectCache=true", .. Cluster]);

    private string[] Cluster => ["Clustering=Azure", $"Azure:ConnectionString={_azurite.ConnectionString}"];
}
