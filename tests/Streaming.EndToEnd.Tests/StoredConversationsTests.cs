using System.Text.Json;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>A store that an older version wrote: guests stay signed in, and conversations continue.</summary>
public class StoredConversationsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private static readonly string Fixture = Path.Combine(Repository.Root, "tests", "fixtures", "stores", "4960d36");

    [Fact]
    public async Task Conversations_of_commit_4960d36_read_as_stored_and_continue_with_the_same_tokens()
    {
        using var document = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(Fixture, "expected.json"), TestContext.Current.CancellationToken)
        );
        JsonElement expected = document.RootElement;
        IEnumerable<string> settings = expected.GetProperty("settings").EnumerateArray().Select(setting => setting.GetString()!);
        using var data = new TemporaryFolder();
        CopyFolder(Path.Combine(Fixture, "store"), data.Path);
        await using var silo = HostProcess.Silo(
            data.Path,
            ClusterPorts.Free(),
            [.. settings.Where(setting => setting != "InspectCache=true"), $"Model={Path.Combine(Fixture, "checkpoint")}"]
        );
        await silo.StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url, expected.GetProperty("token").GetString());

        foreach (JsonElement conversation in expected.GetProperty("conversations").EnumerateArray())
        {
            if (conversation.TryGetProperty("events", out JsonElement events))
            {
                await AssertStoredAsync(client, conversation, events);
                await AssertNextTurnAsync(client, conversation, events[0].GetProperty("author").GetString()!);
            }
            else
            {
                await AssertRunningReplyAsync(client, conversation);
            }
        }
    }

    /// <summary>Description, events and token ids are those that the old host returned.</summary>
    private static async Task AssertStoredAsync(ChatClient client, JsonElement expected, JsonElement events)
    {
        string id = IdOf(expected);
        AssertEqual(expected.GetProperty("conversation"), await client.GetJsonAsync(id));
        await AssertCacheAsync(client, id, expected.GetProperty("cache"));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        JsonElement.ArrayEnumerator stored = events.EnumerateArray();
        await foreach (JsonElement actual in client.WatchJsonAsync(id, 0, limit.Token))
        {
            if (!actual.TryGetProperty("seq", out JsonElement seq))
                continue; // Transient.
            Assert.True(stored.MoveNext());
            AssertEqual(stored.Current, actual);
            if (seq.GetInt64() == expected.GetProperty("conversation").GetProperty("lastSeq").GetInt64())
                break;
        }
        Assert.False(stored.MoveNext());
        await limit.CancelAsync();
    }

    /// <summary>The next turn has the text that the old host gave it, and the message is the same guest's.</summary>
    private static async Task AssertNextTurnAsync(ChatClient client, JsonElement expected, string guest)
    {
        string id = IdOf(expected);
        JsonElement then = expected.GetProperty("then");
        await client.SendAsync(id, then.GetProperty("said").GetString()!);
        Watcher watcher = await WatchToEndAsync(client, id, then);
        EventView message = Assert.Single(watcher.Events, e => e.Kind == "message" && e.Turn == then.GetProperty("turn").GetInt32() - 1);
        Assert.Equal(guest, message.Author);
    }

    /// <summary>The reply that ran when the old host was killed keeps its text and ends as the old host would have ended it.</summary>
    private static async Task AssertRunningReplyAsync(ChatClient client, JsonElement expected)
    {
        JsonElement then = expected.GetProperty("then");
        Watcher watcher = await WatchToEndAsync(client, IdOf(expected), then);
        Assert.StartsWith(
            expected.GetProperty("seen").GetProperty("text").GetString()!,
            watcher.TextOf(then.GetProperty("turn").GetInt32()),
            StringComparison.Ordinal
        );
    }

    private static async Task<Watcher> WatchToEndAsync(ChatClient client, string id, JsonElement then)
    {
        var watcher = new Watcher(id);
        int turn = then.GetProperty("turn").GetInt32();
        Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished" && e.Turn == turn, Limit));
        Assert.Equal(then.GetProperty("text").GetString(), watcher.TextOf(turn));
        Assert.Equal(then.GetProperty("lastSeq").GetInt64(), watcher.LastSeq);
        await AssertCacheAsync(client, id, then.GetProperty("cache"));
        return watcher;
    }

    private static async Task AssertCacheAsync(ChatClient client, string id, JsonElement expected) =>
        Assert.Equivalent(expected.Deserialize<CacheIds>(JsonSerializerOptions.Web), await client.InspectCacheAsync(id), strict: true);

    private static string IdOf(JsonElement expected) => expected.GetProperty("conversation").GetProperty("id").GetString()!;

    private static void AssertEqual(JsonElement expected, JsonElement actual) =>
        Assert.True(JsonElement.DeepEquals(expected, actual), $"Expected {expected}, but it is {actual}.");

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
