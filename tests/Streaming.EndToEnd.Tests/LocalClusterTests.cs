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
                using var victim = Process.GetProcessById(Last(Id(silo), cluster));
                victim.Kill();
                await endless.ReachAsync(client, endless.Watcher.LastSeq + 40, cluster);
            }

            // The reply continues at another silo once the conversation's own one is declared dead.
            int home = Last(Home(endless), cluster);
            int frozen = Last(Id(home), cluster);
            Assert.True(Signals.Send(frozen, Signal.Stop));
            using var limit = new CancellationTokenSource(Watcher.DefaultLimit);
            await AdvanceUntilAsync(() => Last(Home(endless), cluster) != home);
            Assert.True(Signals.Send(frozen, Signal.Continue));
            string ended = $"silo {home} was declared dead and ended itself; it is started again.";
            await AdvanceUntilAsync(() => cluster.Output.Contains(ended, StringComparison.Ordinal));
            Assert.DoesNotContain("FATAL EXCEPTION", cluster.Output, StringComparison.Ordinal);

            async Task AdvanceUntilAsync(Func<bool> isReached)
            {
                while (!isReached())
                {
                    Assert.False(limit.IsCancellationRequested, cluster.Output);
                    await endless.ReachAsync(client, endless.Watcher.LastSeq + 1, cluster);
                }
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

    private static Regex Id(int silo) => new($@"^silo {silo} is process (\d+)\.$", RegexOptions.Multiline);

    /// <summary>The line by which a conversation's silo says where the reply is decoded.</summary>
    private static Regex Home(EndlessReply endless) =>
        new($@"^silo (\d) \| +Conversation {endless.Id}: turn {endless.Reply} is decoded by the worker ", RegexOptions.Multiline);

    private static int Last(Regex number, HostProcess cluster) =>
        int.Parse(number.Matches(cluster.Output)[^1].Groups[1].Value, CultureInfo.InvariantCulture);
}
