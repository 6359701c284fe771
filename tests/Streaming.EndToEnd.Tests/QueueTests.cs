using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

public class QueueTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task More_endless_replies_than_slots_wait_in_line_and_get_their_turn()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free(), "Slots=1").StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string first = await BeginEndlessAsync(client, until: "delta"); // it has the slot, and the next one has not
        string second = await BeginEndlessAsync(client, until: "started");
        var watcher = new Watcher(second);
        int? place = null;
        Assert.True(await watcher.UntilAsync(client, e => (place = e.Place) is not null, Limit));
        Assert.Equal(1, place);
        await client.StopAsync(first);
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "delta", Limit));
        await client.StopAsync(second);
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished", Limit));
    }

    private static async Task<string> BeginEndlessAsync(ChatClient client, string until)
    {
        string id = (await client.CreateAsync(new { sampling = new { maxTokens = 0, ignoreEos = true } })).Id;
        await client.SendAsync(id, "Tell me a story.");
        Assert.True(await new Watcher(id).UntilAsync(client, e => e.Kind == until, Limit));
        return id;
    }
}
