using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Streaming.Azurite;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>Silos and gateways as processes; membership and store are in Azurite, the emulator of Azure Storage.</summary>
public sealed class AzureClusterTests : IDisposable
{
    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_killed_silo_resumes_its_replies_when_it_is_started_again()
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartInMemoryAsync();
        await using HostProcess silo = await Silo(azurite).StartAsync();
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
        Assert.False(Directory.Exists(Path.Combine(_data.Path, "store")), "The embedded store was created as well.");
    }

    [Fact]
    public async Task All_conversations_continue_on_the_other_silo_when_one_of_two_is_killed()
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartInMemoryAsync();
        await using HostProcess first = Silo(azurite),
            second = Silo(azurite),
            gateway = Gateway(azurite);
        await Task.WhenAll(first.StartAsync(), second.StartAsync(), gateway.StartAsync());
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
    public async Task A_reply_waits_while_the_store_is_down_and_continues_without_a_gap()
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartNewAsync(); // it keeps its content while it is stopped
        await using HostProcess silo = await Silo(azurite).StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        EndlessReply endless = await EndlessReply.StartAsync(client);
        await endless.ReachAsync(client, 80, silo);

        await azurite.StopAsync();
        await azurite.StartAsync();

        await endless.ReachAsync(client, endless.Watcher.LastSeq + 60, silo);
        await endless.StopAsync(client);
        await endless.AssertStoredAsShownAsync(client);
    }

    [Fact]
    public async Task All_tables_and_containers_of_a_silo_have_the_prefix()
    {
        await using AzuriteProcess azurite = await AzuriteProcess.StartInMemoryAsync();
        await using HostProcess silo = await Silo(azurite, "Azure:Prefix=mine").StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        await client.CreateAsync(new { });

        string[] tables =
        [
            .. new TableServiceClient(azurite.ConnectionString)
                .Query(cancellationToken: TestContext.Current.CancellationToken)
                .Select(t => t.Name),
        ];
        string[] containers =
        [
            .. new BlobServiceClient(azurite.ConnectionString)
                .GetBlobContainers(cancellationToken: TestContext.Current.CancellationToken)
                .Select(c => c.Name),
        ];
        Assert.Equal(["mineindex", "minelog", "minemembership", "minereminders"], tables.Order(StringComparer.Ordinal));
        Assert.Equal(["mine-grainstate", "mine-snapshots"], containers.Order(StringComparer.Ordinal));
    }

    private HostProcess Silo(AzuriteProcess azurite, params string[] settings) =>
        HostProcess.Silo(
            Path.Combine(_data.Path, "store"),
            ClusterPorts.Free(),
            ["Storage=Azure", "Threads=1", .. ClusterFixture.Settings(azurite.ConnectionString), .. settings]
        );

    private static HostProcess Gateway(AzuriteProcess azurite) =>
        HostProcess.Gateway(
            ClusterPorts.Free(),
            FreePorts.Take(),
            ["InspectCache=true", .. ClusterFixture.Settings(azurite.ConnectionString)]
        );
}
