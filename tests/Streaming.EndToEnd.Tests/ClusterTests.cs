using System.Diagnostics;
using Streaming.EndToEnd.Tests.Clients;
using Streaming.EndToEnd.Tests.Hosts;

namespace Streaming.EndToEnd.Tests;

/// <summary>Three silos and two gateways while something happens to one of them: every conversation goes on, and nobody notices more than a pause.</summary>
public sealed class ClusterTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_frozen_silo_loses_its_conversations_and_when_it_wakes_appends_and_shows_nothing()
    {
        await using ChatClient client = await ChatClient.ConnectAsync(cluster.Gateways[0].Url);
        EndlessReply[] conversations = await StartAsync(client, 6);
        // One more watches each at the very silo that freezes.
        HostProcess frozen = cluster.Silos[0];
        await using ChatClient inside = await ChatClient.ConnectAsync(frozen.Url, client.Token);
        Watcher[] zombies = [.. conversations.Select(c => new Watcher(c.Id))];
        Task[] watching = [.. zombies.Select(z => z.UntilAsync(inside, e => e.Kind == "finished", TimeSpan.FromMinutes(5)))];
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80)));

        frozen.Freeze();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 120)));
        TestContext.Current.SendDiagnosticMessage($"All went on {clock.Elapsed.TotalSeconds:F1} s after a silo froze.");
        Assert.True(clock.Elapsed < Limit);

        frozen.Thaw();
        await frozen.ExitAsync(); // It learns that it was declared dead.
        await Task.WhenAll(watching.Select(w => w.ContinueWith(_ => { }, TaskScheduler.Default)));
        await FinishAsync(client, conversations);
        foreach ((Watcher zombie, EndlessReply conversation) in zombies.Zip(conversations))
            Assert.StartsWith(zombie.TextOf(conversation.Reply), conversation.Text, StringComparison.Ordinal);
        await cluster.StartAllAsync();
    }

    [Fact]
    public async Task Silos_are_restarted_one_after_the_other_and_every_reply_goes_on()
    {
        await using ChatClient client = await ChatClient.ConnectAsync(cluster.Gateways[1].Url);
        EndlessReply[] conversations = await StartAsync(client, 6);
        await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, 80)));

        foreach (HostProcess silo in cluster.Silos)
        {
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await silo.TerminateAsync());
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"The silo took {clock.Elapsed} to leave:\n{silo.Output}");
            await silo.StartAsync();
            await Task.WhenAll(conversations.Select(c => c.ReachAsync(client, c.Watcher.LastSeq + 40)));
        }
        await FinishAsync(client, conversations);
    }

    [Fact]
    public async Task A_reply_whose_silo_died_goes_on_with_nobody_watching()
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
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        foreach (string id in ids)
        {
            while ((await later.GetAsync(id)).Running is not null)
                limit.Token.ThrowIfCancellationRequested();
            var watcher = new Watcher(id);
            Assert.True(await watcher.UntilAsync(later, e => e.Kind == "finished", Limit));
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
