using System.Text.Json;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Watching;

public sealed class SlowBrowserTests(Gateways gateways)
{
    /// <summary>
    /// 40,000 groups of 1,000 characters while the browser reads nothing. Were each queued for it, it would get 40,000 pieces
    /// afterwards; what the sockets and pipes hold comes in small pieces, all the rest in large ones.
    /// </summary>
    [Fact]
    public async Task Browser_that_stops_reading_gets_larger_pieces_and_no_queue_grows()
    {
        await using RawHubConnection browser = await RawHubConnection.ConnectAsync(
            gateways.Silo,
            await Gateways.SignInAsync(gateways.Silo)
        );
        string created = await browser.CallAsync("CreateConversation", "");
        FakeConversation conversation = gateways.Conversations.ById.Values.Single(each =>
            created.Contains(each.Id, StringComparison.Ordinal)
        );
        await conversation.Say(EventKind.Started, 2, [null]);
        await browser.SendAsync($$"""{"type":4,"invocationId":"w","target":"Watch","arguments":["{{conversation.Id}}",0]}""");
        Assert.Contains("\"kind\":\"started\"", await browser.ReceiveAsync(), StringComparison.Ordinal);

        string text = new('x', 1000);
        for (int call = 0; call < 800; call++)
            await conversation.Push([.. Enumerable.Range(0, 50).Select(_ => conversation.Log.Append(EventKind.Delta, 2, text))]);

        int pieces = 0;
        long seq = 1,
            length = 0;
        while (seq < conversation.Log.LastSeq)
        {
            using var record = System.Text.Json.JsonDocument.Parse(await browser.ReceiveAsync());
            System.Text.Json.JsonElement piece = record.RootElement.GetProperty("item");
            long last = piece.GetProperty("seq").GetInt64();
            Assert.Equal(seq + 1, piece.TryGetProperty("first", out JsonElement first) ? first.GetInt64() : last);
            seq = last;
            length += piece.GetProperty("text").GetString()!.Length;
            pieces++;
        }
        Assert.Equal(40_000_000, length);
        Assert.InRange(pieces, 1, 20_000);
    }
}
