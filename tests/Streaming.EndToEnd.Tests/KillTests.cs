using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>Kill the process: every conversation goes on, and nothing that was shown is unsaid.</summary>
public class KillTests
{
    private const int Kills = 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Twenty_kills_in_mid_reply_lose_and_repeat_nothing()
    {
        using var data = new TemporaryFolder();
        ClusterPorts ports = ClusterPorts.Free();
        await using HostProcess silo = HostProcess.Silo(data.Path, ports);
        await silo.StartAsync();
        var random = new Random(20);

        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string token = client.Token;
        ConversationView conversation = await client.CreateAsync(
            new
            {
                sinks = 4,
                window = 60,
                sampling = new
                {
                    maxTokens = 0,
                    ignoreEos = true,
                    seed = 7,
                },
            }
        );
        SentView sent = await client.SendAsync(conversation.Id, "Tell me a story that never ends.");
        int reply = sent.Turn + 1;
        var always = new Watcher(conversation.Id);
        var shown = new List<string>();

        // One more watches through a stand-alone gateway that lives through all of it, on one connection.
        await using HostProcess gateway = await HostProcess.Gateway(ports, FreePorts.Take()).StartAsync();
        await using ChatClient patient = await ChatClient.ConnectAsync(gateway.Url, token);
        var through = new Watcher(conversation.Id);
        Task<bool> throughAll = through.UntilAsync(patient, e => e.Kind == "finished", TimeSpan.FromMinutes(10));

        for (int kill = 0; kill < Kills; kill++)
        {
            // Past the first eviction, and then some random number of tokens further.
            long target = Math.Max(always.LastSeq, 80) + random.Next(1, 60);
            Assert.True(await always.UntilAsync(client, e => e.Seq >= target, Limit), silo.Output);
            shown.Add(always.TextOf(reply));
            await silo.KillAsync();
            await client.DisposeAsync();
            await silo.StartAsync();
            client = await ChatClient.ConnectAsync(silo.Url, token);
        }

        // The reply goes on by itself, until it is stopped.
        long further = always.LastSeq + 50;
        Assert.True(await always.UntilAsync(client, e => e.Seq >= further, Limit));
        await client.StopAsync(conversation.Id, reply);
        Assert.True(await always.UntilAsync(client, e => e.Kind == "finished", Limit));
        Assert.Equal("stopped", always.Events[^1].FinishReason);

        var late = new Watcher(conversation.Id);
        Assert.True(await late.UntilAsync(client, e => e.Kind == "finished", Limit));
        string stored = await client.ReadTurnTextAsync(conversation.Id, reply);
        Assert.Equal(stored, always.TextOf(reply));
        Assert.Equal(stored, late.TextOf(reply));
        Assert.True(await throughAll, "The gateway ended its watcher's stream.");
        Assert.Equal(stored, through.TextOf(reply));
        Assert.All(shown, text => Assert.StartsWith(text, stored, StringComparison.Ordinal));

        ConversationView after = await client.GetAsync(conversation.Id);
        CacheIds cache = await client.InspectCacheAsync(conversation.Id);
        Assert.Null(after.Running);
        Assert.Equal(after.Position, cache.Position);
        Assert.Equal(4, cache.FixedIds.Count);
        Assert.Equal(60, cache.WindowIds.Count);
        Assert.Equal(after.Position - 64, after.Forgotten);

        // What a fresh process reads from the log is what the living one held.
        await silo.KillAsync();
        await client.DisposeAsync();
        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, token);
        CacheIds read = await client.InspectCacheAsync(conversation.Id);
        Assert.Equal(cache.FixedIds, read.FixedIds);
        Assert.Equal(cache.WindowIds, read.WindowIds);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_reply_goes_on_at_the_next_start_with_nobody_watching()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = HostProcess.Silo(data.Path, ClusterPorts.Free());
        await silo.StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        ConversationView conversation = await client.CreateAsync(
            new
            {
                sinks = 4,
                window = 60,
                sampling = new { maxTokens = 300, ignoreEos = true },
            }
        );
        await client.SendAsync(conversation.Id, "Hello!");
        var watcher = new Watcher(conversation.Id);
        Assert.True(await watcher.UntilAsync(client, e => e.Seq >= 20, Limit));
        await silo.KillAsync();
        await silo.StartAsync();

        // Asking for the description wakes the grain, but only watching or the sweep makes a reply go on: nobody watches here.
        await client.DisposeAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        using var limit = new CancellationTokenSource(Limit);
        while ((await client.GetAsync(conversation.Id)).Running is not null)
            limit.Token.ThrowIfCancellationRequested();
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished", Limit));
        Assert.Equal("length", watcher.Events[^1].FinishReason);
        Assert.Equal(300, watcher.Events[^1].GeneratedTokens);
        await client.DisposeAsync();
    }
}
