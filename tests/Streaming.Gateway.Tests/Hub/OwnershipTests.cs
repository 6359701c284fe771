using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Hub;

/// <summary>A conversation of another owner is answered like one that does not exist.</summary>
public sealed class OwnershipTests(Gateways gateways)
{
    private static readonly Dictionary<string, Func<HubConnection, string, Task>> Methods = new()
    {
        ["GetConversation"] = (hub, id) => hub.InvokeAsync("GetConversation", id),
        ["Configure"] = (hub, id) => hub.InvokeAsync("Configure", id, new { title = "mine now" }),
        ["Delete"] = (hub, id) => hub.InvokeAsync("Delete", id),
        ["Send"] = (hub, id) => hub.InvokeAsync("Send", id, "hello", "m1"),
        ["Watch"] = (hub, id) => First(hub.StreamAsync<ConversationEvent>("Watch", id, 0L)),
        ["ReadTurns"] = (hub, id) => hub.InvokeAsync("ReadTurns", id, new { }),
        ["Stop"] = (hub, id) => hub.InvokeAsync("Stop", id, (int?)null),
        ["InspectCache"] = (hub, id) => hub.InvokeAsync("InspectCache", id),
    };

    public static TheoryData<string> MethodNames => [.. Methods.Keys];

    [Theory, MemberData(nameof(MethodNames))]
    public async Task Another_guests_conversation_is_answered_as_unknown(string method)
    {
        await using HubConnection owner = await Gateways.ConnectAsync(gateways.Silo);
        await using HubConnection other = await Gateways.ConnectAsync(gateways.Silo);
        string id = (await owner.InvokeAsync<Conversation>("CreateConversation", new { title = "private" })).Id;
        await owner.InvokeAsync("Send", id, "secret", "m0");

        string theirs = await RefusalOf(other, method, id);
        Assert.Equal(RequestRefusedException.NoSuchConversation().Message, theirs);
        Assert.Equal(theirs, await RefusalOf(other, method, ConversationId.New()));
        Assert.Equal(theirs, await RefusalOf(other, method, "no identifier at all"));

        FakeConversation untouched = gateways.Conversations[id];
        Assert.Equal(("private", false, 0, 1L), (untouched.Title, untouched.Deleted, untouched.Stops, untouched.Log.LastSeq));
        await Methods[method](owner, id); // and the owner can
    }

    [Fact]
    public async Task Another_guests_conversation_is_not_listed()
    {
        await using HubConnection owner = await Gateways.ConnectAsync(gateways.Silo);
        await using HubConnection other = await Gateways.ConnectAsync(gateways.Silo);
        string id = (await owner.InvokeAsync<Conversation>("CreateConversation", new { })).Id;

        Assert.Equal(id, (await owner.InvokeAsync<ConversationPage>("ListConversations", new { })).Items.Single().Id);
        Assert.Empty((await other.InvokeAsync<ConversationPage>("ListConversations", new { })).Items);
    }

    [Fact]
    public void Every_hub_method_with_a_conversation_is_tested()
    {
        string[] takeNone = ["CreateConversation", "ListConversations"];
        string[] declared =
        [
            .. typeof(Gateway.Hub.ChatHub)
                .GetMethods()
                .Where(method => method.DeclaringType == typeof(Gateway.Hub.ChatHub) && method.GetBaseDefinition() == method)
                .Select(method => method.Name),
        ];

        Assert.Equal(declared.Order(), Methods.Keys.Concat(takeNone).Order());
    }

    private static async Task<string> RefusalOf(HubConnection hub, string method, string id) =>
        (await Assert.ThrowsAsync<HubException>(() => Methods[method](hub, id))).Message;

    private static async Task First(IAsyncEnumerable<ConversationEvent> events)
    {
        await foreach (ConversationEvent _ in events)
            return;
    }
}
