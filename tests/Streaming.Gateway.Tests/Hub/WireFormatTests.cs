using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Hub;

public sealed class WireFormatTests(Gateways gateways)
{
    private const string At = "2026-01-31T12:00:00.250Z";

    [Fact]
    public async Task Json_has_camelCase_names_and_UTC_times_and_omits_nulls()
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        await using RawHubConnection hub = await RawHubConnection.ConnectAsync(gateways.Silo, token);

        string created = await hub.CallAsync("CreateConversation", """{"sampling":{"topP":0.5,"stop":["a"]}}""");
        string id = gateways
            .Conversations.ById.Values.Single(conversation => created.Contains(conversation.Id, StringComparison.Ordinal))
            .Id;
        Assert.Equal(
            Completion(
                $$"""{"id":"{{id}}","model":"fake","createdAt":"{{At}}","activeAt":"{{At}}","lastSeq":0,"position":0,"branch":0"""
                    + ""","sinks":4,"window":508,"fixed":4,"forgotten":0,"sampling":{"topP":0.5,"stop":["a"]}}"""
            ),
            created
        );
        Assert.Equal(
            Completion($$"""{"items":[{"id":"{{id}}","createdAt":"{{At}}","activeAt":"{{At}}"}]}"""),
            await hub.CallAsync("ListConversations", "")
        );
        Assert.Equal(Completion("""{"turn":1,"seq":1}"""), await hub.CallAsync("Send", $"\"{id}\",\"h\\u00e9 & <b>\",\"m1\""));
        Assert.Equal(
            Completion("""{"position":1,"branch":0,"fixedIds":[1,2],"windowIds":[3]}"""),
            await hub.CallAsync("InspectCache", $"\"{id}\"")
        );
        string owner = gateways.Conversations[id].Owner;
        Assert.Equal(
            Completion($$"""{"items":[{"turn":1,"author":"{{owner}}","text":"before  take 2","from":0,"seq":1,"at":"{{At}}"}],"next":7}"""),
            await hub.CallAsync(
                "ReadTurns",
                $$"""
                "{{id}}",{"take":2}
                """
            )
        );
        Assert.Equal(Completion("null"), await hub.CallAsync("Stop", $"\"{id}\""));

        gateways.Conversations[id].Log.Append(EventKind.Delta, 2, "a", "b");
        await hub.SendAsync($$"""{"type":4,"invocationId":"w","target":"Watch","arguments":["{{id}}",0]}""");
        Assert.Equal(
            Item($$"""{"seq":1,"kind":"message","turn":1,"author":"{{owner}}","text":"hé & <b>","at":"{{At}}"}"""),
            await hub.ReceiveAsync()
        );
        Assert.Equal(Item($$"""{"seq":3,"first":2,"kind":"delta","turn":2,"text":"ab","at":"{{At}}"}"""), await hub.ReceiveAsync());
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public async Task A_number_that_JSON_cannot_write_is_refused_in_MessagePack_too(double temperature)
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        await using HubConnection hub = await Gateways.ConnectAsync(gateways.Silo, token, messagePack: true);
        var request = new Dictionary<string, object> { ["sampling"] = new Dictionary<string, object> { ["temperature"] = temperature } };

        HubException refused = await Assert.ThrowsAsync<HubException>(() =>
            hub.InvokeAsync<object>("CreateConversation", request, TestContext.Current.CancellationToken)
        );

        Assert.StartsWith("The method does not take these arguments: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MessagePack_has_the_same_names_and_values_as_JSON()
    {
        string token = await Gateways.SignInAsync(gateways.Silo);
        await using HubConnection hub = await Gateways.ConnectAsync(gateways.Silo, token, messagePack: true);
        CancellationToken cancelled = TestContext.Current.CancellationToken;

        Dictionary<string, object> created = await hub.InvokeAsync<Dictionary<string, object>>(
            "CreateConversation",
            new Dictionary<string, object?>
            {
                ["title"] = "packed",
                ["unknown"] = new List<int> { 1 },
                ["pinSystemPrompt"] = false,
                ["sampling"] = new Dictionary<string, object>
                {
                    ["topP"] = 0.5,
                    ["seed"] = 7,
                    ["stop"] = new List<string> { "a" },
                    ["badWordsIds"] = new List<int[]> { new[] { 4 }, new[] { 5, 6 } },
                    ["minNewTokens"] = 2,
                },
            },
            cancelled
        );
        string id = (string)created["id"];
        Assert.Equal(
            [
                "id",
                "title",
                "model",
                "createdAt",
                "activeAt",
                "lastSeq",
                "position",
                "branch",
                "sinks",
                "window",
                "fixed",
                "forgotten",
                "sampling",
            ],
            created.Keys
        );
        Assert.Equal("2026-01-31T12:00:00.250Z", created["createdAt"]);
        var sampling = (Dictionary<object, object>)created["sampling"];
        Assert.Equal(["topP", "seed", "stop", "badWordsIds", "minNewTokens"], sampling.Keys.Cast<string>());
        Assert.Equal(0.5, sampling["topP"]);
        Assert.Equal(["a"], (object[])sampling["stop"]);
        Assert.False(gateways.Conversations[id].Request.PinSystemPrompt);

        Dictionary<string, object> page = await hub.InvokeAsync<Dictionary<string, object>>("ListConversations", cancelled);
        Assert.Equal(
            ["id", "title", "createdAt", "activeAt"],
            ((Dictionary<object, object>)((object[])page["items"]).Single()).Keys.Cast<string>()
        );
        Dictionary<string, object> sent = await hub.InvokeAsync<Dictionary<string, object>>("Send", id, "hello", "m1", cancelled);
        Assert.Equal(["turn", "seq"], sent.Keys);
        Dictionary<string, object> cache = await hub.InvokeAsync<Dictionary<string, object>>("InspectCache", id, cancelled);
        Assert.Equal(["position", "branch", "fixedIds", "windowIds"], cache.Keys);
        Assert.Equal(
            "take is 0: it must be from 1 to 200.",
            (
                await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() =>
                    hub.InvokeAsync("ReadTurns", id, new Dictionary<string, object> { ["take"] = 0 }, cancelled)
                )
            ).Message
        );

        gateways.Conversations[id].Log.Append(EventKind.Delta, 2, "a", "b");
        await using IAsyncEnumerator<Dictionary<string, object>> events = hub.StreamAsync<Dictionary<string, object>>(
                "Watch",
                id,
                1L,
                cancelled
            )
            .GetAsyncEnumerator(cancelled);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(["seq", "first", "kind", "turn", "text", "at"], events.Current.Keys);
        Assert.Equal(("delta", "ab", "2026-01-31T12:00:00.250Z"), (events.Current["kind"], events.Current["text"], events.Current["at"]));
    }

    private static string Completion(string result) => """{"type":3,"invocationId":"1","result":""" + result + "}";

    private static string Item(string item) => """{"type":2,"invocationId":"w","item":""" + item + "}";
}
