using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>In deterministic mode, replies that take turns in a slot have the text of undisturbed ones, also after a kill.</summary>
public class SharedSlotsTests
{
    [Fact]
    public async Task A_silo_killed_while_replies_share_a_slot_loses_nothing()
    {
        using var data = new TemporaryFolder();
        string[] settings = ["Deterministic=true", "SnapshotTokens=40", "Threads=1", "Slots=1", "SliceTokens=8"];
        await using var silo = HostProcess.Silo(data.Path, ClusterPorts.Free(), settings);
        await silo.StartAsync();
        ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string undisturbed = await FinishAsync(client, await BeginAsync(client));
        Assert.NotEqual("", undisturbed);

        Watcher[] sharing = [await BeginAsync(client), await BeginAsync(client), await BeginAsync(client)];
        foreach (Watcher watcher in sharing)
            Assert.True(await watcher.UntilAsync(client, e => e.Seq >= 60), silo.Output);
        await silo.KillAsync();
        await client.DisposeAsync();
        await silo.StartAsync();
        client = await ChatClient.ConnectAsync(silo.Url, client.Token);

        foreach (Watcher watcher in sharing)
        {
            Assert.DoesNotContain(watcher.Events, e => e.Kind == "finished"); // They were in the middle.
            Assert.Equal(undisturbed, await FinishAsync(client, watcher));
        }
        await client.DisposeAsync();
    }

    private static async Task<Watcher> BeginAsync(ChatClient client)
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
                    seed = 11,
                },
            }
        );
        await client.SendAsync(conversation.Id, "Tell me a story of a fox and a well.");
        return new Watcher(conversation.Id);
    }

    private static async Task<string> FinishAsync(ChatClient client, Watcher watcher)
    {
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished"));
        Assert.Equal("length", watcher.Events[^1].FinishReason);
        return watcher.TextOf(2);
    }
}
