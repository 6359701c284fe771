using System.Diagnostics;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>Three silos and two gateways: when one process freezes, restarts or dies, watchers see no more than a pause.</summary>
[Collection<ClusterCollection>]
public sealed class ClusterTests(ClusterFixture cluster)
{
    /// <summary>About 6 s on an idle machine; with Orleans's own membership settings it would be 61 s and more.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_frozen_silo_loses_its_conversations_and_neither_appends_nor_shows_anything_when_it_wakes()
    {
        await using ChatClient client = await ChatClient.ConnectAsync(cluster.Gateways[0].Url);
        EndlessReply[] conversations = await StartAsync(client, 6);
        // Each conversation is also watched through the silo that freezes.
        HostProcess frozen = cluster.Silos[0];
        await using ChatClient inside = await ChatClient.ConnectAsync(frozen.Url, client.Token);
        Watcher[] zombies = [.. conversations.Select(c => new Watcher(c.Id))];
        Task[] watching = [.. zombies.Select(z => z.UntilAsync(inside, e => e.Kind == "finished", TimeSpan.FromMinutes(5)))];
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80)));

        frozen.Freeze();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 120)));
        TestContext.Current.SendDiagnosticMessage($"All replies continued {clock.Elapsed.TotalSeconds:F1} s after a silo froze.");
        Assert.True(clock.Elapsed < LongestPause, $"The replies continued only after {clock.Elapsed}:\n{cluster.Silos[1].Output}");

        frozen.Thaw();
        await frozen.ExitAsync(); // It learns that it was declared dead, and exits.
        await Task.WhenAll(watching.Select(w => w.ContinueWith(_ => { }, TaskScheduler.Default)));
        await FinishAsync(client, conversations);
        foreach ((Watcher zombie, EndlessReply conversation) in zombies.Zip(conversations))
            Assert.StartsWith(zombie.TextOf(conversation.Reply), conversation.Text, StringComparison.Ordinal);
        await cluster.StartAllAsync();
    }

    [Fact]
    public async Task Every_reply_continues_while_silos_are_restarted_one_after_the_other()
    {
        await using ChatClient client = await ChatClient.ConnectAsync(cluster.Gateways[1].Url);
        EndlessReply[] conversations = await StartAsync(client, 6);
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80)));

        foreach (HostProcess silo in cluster.Silos)
        {
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await silo.TerminateAsync());
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"The silo took {clock.Elapsed} to shut down:\n{silo.Output}");
            await silo.StartAsync();
            await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40)));
        }
        await FinishAsync(client, conversations);
    }

    [Fact]
    public async Task A_reply_whose_silo_died_continues_although_nobody_watches()
    {
        ChatClient client = await ChatClient.ConnectAsync(cluster.Gateways[0].Url);
        var ids = new List<string>();
        for (int i = 0; i < 4; i++)
        {
            ConversationView conversation = await client.CreateAsync(
                new
                {
                    sinks = 4,
                    window = 60,
                    sampling = new
                    {
                        maxTokens = 400,
                        ignoreEos = true,
                        seed = i,
                    },
                }
            );
            await client.SendAsync(conversation.Id, "Tell me a long story.");
            ids.Add(conversation.Id);
        }
        await client.DisposeAsync();

        await cluster.Silos[1].KillAsync();

        await using ChatClient later = await ChatClient.ConnectAsync(cluster.Gateways[1].Url, client.Token);
        using var limit = new CancellationTokenSource(Watcher.DefaultLimit);
        foreach (string id in ids)
        {
            while ((await later.GetAsync(id)).Running is not null)
                limit.Token.ThrowIfCancellationRequested();
            var watcher = new Watcher(id);
            Assert.True(await watcher.UntilAsync(later, e => e.Kind == "finished"));
            Assert.Equal(400, watcher.Events[^1].GeneratedTokens);
        }
        await cluster.StartAllAsync();
    }

    private static Task<EndlessReply[]> StartAsync(ChatClient client, int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => EndlessReply.StartAsync(client)));

    private static async Task FinishAsync(ChatClient client, EndlessReply[] conversations)
    {
        foreach (EndlessReply conversation in conversations)
        {
            await conversation.StopAsync(client);
            await conversation.AssertStoredAsShownAsync(client);
        }
    }
}
