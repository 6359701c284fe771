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

    private static async Task<string> BeginEndlessAsync(ChatClient client, string until)
    {
        string id = (await client.CreateAsync(new { sampling = new { maxTokens = 0, ignoreEos = true } })).Id;
        await client.SendAsync(id, "Tell me a story.");
        Assert.True(await new Watcher(id).UntilAsync(client, e => e.Kind == until));
        return id;
    }
}
