using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A cluster on one machine by one command, as the README says.</summary>
public sealed class LocalClusterTests
{
    [Fact]
    public async Task One_command_starts_a_cluster_that_survives_kills_keeps_its_conversations_and_shuts_down_in_order()
    {
        using var data = new TemporaryFolder();
        await using var cluster = HostProcess.LocalCluster(data.Path, FreePorts.TakeRange(20));
        await cluster.StartAsync();
        await using (ChatClient client = await ChatClient.ConnectAsync(cluster.Url))
        {
            EndlessReply endless = await EndlessReply.StartAsync(client);
            await endless.ReachAsync(client, 80, cluster);
            for (int silo = 1; silo <= 3; silo++)
            {
                using var victim = Process.GetProcessById(
                    int.Parse(Number(silo).Match(cluster.Output).Groups[1].Value, CultureInfo.InvariantCulture)
                );
                victim.Kill();
                await endless.ReachAsync(client, endless.Watcher.LastSeq + 40, cluster);
            }
            await endless.StopAsync(client);
            Assert.Equal(await client.ReadTurnTextAsync(endless.Id, endless.Reply), endless.Text);
            Assert.Contains("is started again", cluster.Output, StringComparison.Ordinal);

            Assert.Equal(0, await cluster.TerminateAsync());
            Assert.Contains("Stopped.", cluster.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("does not shut down", cluster.Output, StringComparison.Ordinal);

            await cluster.StartAsync();
            await using ChatClient again = await ChatClient.ConnectAsync(cluster.Url, client.Token);
            Assert.Equal(await again.ReadTurnTextAsync(endless.Id, endless.Reply), endless.Text);
        }
        Assert.Equal(0, await cluster.TerminateAsync());
    }

    private static Regex Number(int silo) => new($@"^silo {silo} is process (\d+)\.$", RegexOptions.Multiline);
}
