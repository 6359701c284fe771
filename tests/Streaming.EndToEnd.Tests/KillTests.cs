using System.Globalization;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A silo is killed: every conversation continues, and no text that was shown is lost or changed.</summary>
public class KillTests
{
    /// <summary>How often the silo is killed; <c>tests/kills.sh</c> makes it twenty times.</summary>
    private static readonly int Kills = Environment.GetEnvironmentVariable("STREAMING_KILLS") is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : 5;

    [Fact]
    public async Task Kills_in_mid_reply_lose_and_repeat_nothing()
    {
        using var data = new TemporaryFolder();
        var ports = ClusterPorts.Free();
        await using var silo = HostProcess.Silo(data.Path, ports);
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

        // A second watcher keeps one connection to a stand-alone gateway, which is not killed.
        await using HostProcess gateway = await HostProcess.Gateway(ports, FreePorts.Take()).StartAsync();
        await using ChatClient patient = await ChatClient.ConnectAsync(gateway.Url, token);
        var through = new Watcher(conversation.Id);
        Task<bool> throughAll = through.UntilAsync(patient, e => e.Kind == "finished", TimeSpan.FromMinutes(10));

        for (int kill = 0; kill < Kills; kill++)
        {
            // Past the first eviction, then a random number of tokens further.
            long target = Math.Max(always.LastSeq, 80) + random.Next(1, 60);
            Assert.True(await always.UntilAsync(client, e => e.Seq >= target), silo.Output);
            shown.Add(always.TextOf(reply));
            await silo.KillAsync();
            await client.DisposeAsync();
            await silo.StartAsync();
            client = await ChatClient.ConnectAsync(silo.Url, token);
        }

        // The reply continues by itself until it is stopped.
        long further = always.LastSeq + 50;
        Assert.True(await always.UntilAsync(client, e => e.Seq >= further));
        await client.StopAsync(conversation.Id, reply);
        Assert.True(await always.UntilAsync(client, e => e.Kind == "finished"));
        Assert.Equal("stopped", always.Events[^1].FinishReason);

        var late = new Watcher(conversation.Id);
        Assert.True(await late.UntilAsync(client, e => e.Kind == "finished"));
        string stored = await client.ReadTurnTextAsync(conversation.Id, reply);
        Assert.Equal(stored, always.TextOf(reply));
        Assert.Equal(stored, late.TextOf(reply));
        Assert.True(await throughAll, "The gateway ended its watcher's stream.");
        Assert.Equal(stored, through.TextOf(reply));
        Assert.Equal(Kills, shown.Count);
        Assert.All(shown, text => Assert.StartsWith(text, stored, StringComparison.Ordinal));

        ConversationView after = await client.GetAsync(conversation.Id);
        CacheIds cache = await client.InspectCacheAsync(conversation.Id);
        Assert.Null(after.Running);
        Assert.Equal(after.Position, cache.Position);
        Assert.Equal(4, cache.FixedIds.Count);
        Assert.Equal(60, cache.WindowIds.Count);
        Assert.Equal(after.Position - 64, after.Forgotten);

        // A new process restores the same cache from the log.
        await silo.KillAsync();
        await client.DisposeAsync();
        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, token);
        CacheIds read = await client.InspectCacheAsync(conversation.Id);
        Assert.Equal(cache.FixedIds, read.FixedIds);
        Assert.Equal(cache.WindowIds, read.WindowIds);
        await client.DisposeAsync();
        await ReportAsync(stored.Length, always, through, late);
    }

    [Fact]
    public async Task A_reply_continues_at_the_next_start_although_nobody_watches()
    {
        using var data = new TemporaryFolder();
        await using var silo = HostProcess.Silo(data.Path, ClusterPorts.Free());
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
        Assert.True(await watcher.UntilAsync(client, e => e.Seq >= 20));
        await silo.KillAsync();
        await silo.StartAsync();

        // Reading the description activates the grain, but only a watcher or the recovery sweep resumes the reply.
        await client.DisposeAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        using var limit = new CancellationTokenSource(Watcher.DefaultLimit);
        while ((await client.GetAsync(conversation.Id)).Running is not null)
            limit.Token.ThrowIfCancellationRequested();
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished"));
        Assert.Equal("length", watcher.Events[^1].FinishReason);
        Assert.Equal(300, watcher.Events[^1].GeneratedTokens);
        await client.DisposeAsync();
    }

    private static async Task ReportAsync(int characters, params Watcher[] watchers)
    {
        (long lost, long repeated) = (0, 0);
        foreach (Watcher watcher in watchers)
        {
            long last = 0;
            foreach (EventView e in watcher.Events)
            {
                lost += Math.Max(0, e.FirstSeq - last - 1);
                repeated += Math.Max(0, last + 1 - e.FirstSeq);
                last = e.Seq!.Value;
            }
        }
        if (Environment.GetEnvironmentVariable("STREAMING_KILLS_REPORT") is { Length: > 0 } path)
            await File.AppendAllTextAsync(
                path,
                string.Create(CultureInfo.InvariantCulture, $"| {Kills} | {characters} | {watchers[0].LastSeq} | {lost} | {repeated} |\n"),
                TestContext.Current.CancellationToken
            );
    }
}
