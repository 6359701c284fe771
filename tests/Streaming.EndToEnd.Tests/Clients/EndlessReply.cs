using Microsoft.AspNetCore.SignalR;

namespace Streaming.EndToEnd.Tests.Clients;

/// <summary>A conversation whose reply never ends by itself, and what was seen of it.</summary>
internal sealed class EndlessReply
{
    private EndlessReply(string id, int reply)
    {
        Id = id;
        Reply = reply;
        Watcher = new Watcher(id);
    }

    public Watcher Watcher { get; }

    public string Text => Watcher.TextOf(Reply);

    public string Id { get; }

    public int Reply { get; }

    public static async Task<EndlessReply> StartAsync(ChatClient client)
    {
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
        return new EndlessReply(conversation.Id, sent.Turn + 1);
    }

    /// <summary>Watches until an event of a number, or a later one, has arrived.</summary>
    public async Task ReachAsync(ChatClient client, long seq, params HostProcess[] hosts)
    {
        if (Watcher.LastSeq < seq)
            Assert.True(
                await RetryAsync(() => Watcher.UntilAsync(client, e => e.Seq >= seq)),
                string.Join('\n', hosts.Select(h => h.Output))
            );
    }

    public async Task StopAsync(ChatClient client)
    {
        Assert.True(
            await RetryAsync(async () =>
            {
                await client.StopAsync(Id, Reply); // it may have stopped although the answer says otherwise: stopping twice is allowed
                return true;
            })
        );
        Assert.True(await RetryAsync(() => Watcher.UntilAsync(client, e => e.Kind == "finished")));
        Assert.Equal("stopped", Watcher.Events[^1].FinishReason);
    }

    public async Task AssertStoredAsShownAsync(ChatClient client)
    {
        Assert.Equal(await RetryAsync(() => client.ReadTurnTextAsync(Id, Reply)), Text);
        ConversationView after = await RetryAsync(() => client.GetAsync(Id));
        CacheIds cache = await RetryAsync(() => client.InspectCacheAsync(Id));
        Assert.Equal((after.Position, 4, 60), (cache.Position, cache.FixedIds.Count, cache.WindowIds.Count));
    }

    /// <summary>Calls again as long as the answer is "try again in a moment", as the page does.</summary>
    private static async Task<T> RetryAsync<T>(Func<Task<T>> call)
    {
        long deadline = Environment.TickCount64 + (long)Watcher.DefaultLimit.TotalMilliseconds;
        while (true)
        {
            try
            {
                return await call();
            }
            catch (HubException e)
                when (e.Message.Contains("try again in a moment", StringComparison.Ordinal) && Environment.TickCount64 < deadline) { }
        }
    }
}
