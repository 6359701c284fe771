using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>More replies than slots.</summary>
public class QueueTests
{
    [Fact]
    public async Task A_reply_queues_behind_an_endless_one_and_goes_on_when_that_is_stopped()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free(), "Slots=1").StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string first = await BeginEndlessAsync(client, until: "delta"); // the only slot is taken
        string second = await BeginEndlessAsync(client, until: "started");
        var watcher = new Watcher(second);
        int? place = null;
        Assert.True(await watcher.UntilAsync(client, e => (place = e.Place) is not null));
        Assert.Equal(1, place);
        await client.StopAsync(first);
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "delta"));
        await client.StopAsync(second);
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished"));
    }

    [Fact]
    public async Task Kills_of_the_host_fail_no_reply_that_waits_for_a_slot()
    {
        const int Kills = 4;
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free(), "Slots=1").StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        var ids = new List<string>();
        for (int i = 0; i < 4; i++)
            ids.Add(await BeginEndlessAsync(client, until: "started"));
        var watchers = ids.ToDictionary(id => id, id => new Watcher(id));
        for (int kill = 0; kill < Kills; kill++)
        {
            // One reply has the slot, the others wait for it.
            bool[] seen = await Task.WhenAll(watchers.Values.Select(w => w.UntilAsync(client, e => e.Kind is "queued" or "delta")));
            Assert.All(seen, Assert.True);
            await silo.KillAsync();
            await client.DisposeAsync();
            await silo.StartAsync();
            client = await ChatClient.ConnectAsync(silo.Url, client.Token);
        }

        // Each of them goes on until it is stopped.
        List<Task<string>> next = [.. ids.Select(ShownAsync)];
        while (next.Count > 0)
        {
            Task<string> shown = await Task.WhenAny(next);
            next.Remove(shown);
            await client.StopAsync(await shown);
            Assert.True(await watchers[await shown].UntilAsync(client, e => e.Kind == "finished"));
            Assert.Equal("stopped", watchers[await shown].Events[^1].FinishReason);
        }
        await client.DisposeAsync();

        async Task<string> ShownAsync(string id)
        {
            Assert.True(await watchers[id].UntilAsync(client, e => e.Kind == "delta"));
            return id;
        }
    }

    private static async Task<string> BeginEndlessAsync(ChatClient client, string until)
    {
        string id = (await client.CreateAsync(new { sampling = new { maxTokens = 0, ignoreEos = true } })).Id;
        await client.SendAsync(id, "Tell me a story.");
        Assert.True(await new Watcher(id).UntilAsync(client, e => e.Kind == until));
        return id;
    }
}
