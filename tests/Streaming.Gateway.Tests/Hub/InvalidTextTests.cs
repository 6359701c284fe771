using System.Buffers;
using MessagePack;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.AspNetCore.SignalR.Protocol;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Hub;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Hub;

/// <summary>A text that is not valid Unicode is refused with its place, the same in JSON and MessagePack, and never repaired.</summary>
public sealed class InvalidTextTests(Gateways gateways)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(@"a \ud83d b", 2)]
    [InlineData(@"\ude00", 0)]
    [InlineData(@"\n\t\\\u0041\ud83d\ude00\ud83d", 6)]
    public async Task Half_a_surrogate_pair_in_JSON_is_refused_in_every_text(string escaped, int place)
    {
        await using RawHubConnection hub = await RawHubConnection.ConnectAsync(gateways.Silo, await Gateways.SignInAsync(gateways.Silo));
        int conversations = gateways.Conversations.ById.Count;
        string id = ConversationId.New();
        (string Method, string Arguments)[] calls =
        [
            ("Send", $"\"{id}\",\"{escaped}\",\"m1\""),
            ("Send", $"\"{id}\",\"hello\",\"{escaped}\""),
            ("GetConversation", $"\"{escaped}\""),
            ("Stop", $"\"{escaped}\""),
            ("ListConversations", $$"""{"after":"{{escaped}}"}"""),
            ("CreateConversation", $$"""{"title":"{{escaped}}"}"""),
            ("CreateConversation", $$"""{"systemPrompt":"{{escaped}}"}"""),
            (
                "Configure",
                $$$"""
                "{{{id}}}",{"sampling":{"stop":["a","{{{escaped}}}"]}}
                """
            ),
        ];
        foreach ((string method, string arguments) in calls)
            Assert.Equal(
                $$"""{"type":3,"invocationId":"1","error":"{{Sentence(place)}}"}""",
                await hub.CallAsync(method, arguments.Trim())
            );
        Assert.Equal(conversations, gateways.Conversations.ById.Count);
    }

    [Theory]
    [InlineData("61-FF-62", 1)] // no byte of UTF-8
    [InlineData("C3-A9-ED-A0-BD", 1)] // half a surrogate pair
    [InlineData("61-F0-9F-98", 1)] // a character that is cut off
    [InlineData("C0-80", 0)] // longer than it needs to be
    public void Bytes_that_are_no_UTF8_are_refused_alike(string hex, int place)
    {
        byte[] invalid = Convert.FromHexString(hex.Replace("-", "", StringComparison.Ordinal));
        byte[] json =
        [
            .. "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Send\",\"arguments\":[\"id\",\"hello\",\""u8,
            .. invalid,
            .. "\"]}\u001e"u8,
        ];
        Assert.Equal(Sentence(place), RefusalOf(new JsonHubProtocol(Options(HubJson.Options)), json));

        var call = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(call);
        writer.WriteArrayHeader(6);
        writer.Write(1);
        writer.WriteMapHeader(0);
        writer.Write("1");
        writer.Write("Send");
        writer.WriteArrayHeader(3);
        writer.Write("id");
        writer.Write("hello");
        writer.WriteString(invalid);
        writer.WriteArrayHeader(0);
        writer.Flush();
        var packs = new MessagePackHubProtocol(
            Microsoft.Extensions.Options.Options.Create(new MessagePackHubProtocolOptions { SerializerOptions = HubMessagePack.Options })
        );
        Assert.Equal(Sentence(place), RefusalOf(packs, [(byte)call.WrittenCount, .. call.WrittenSpan]));
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused_inside_an_object_too()
    {
        var value = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(value);
        writer.WriteMapHeader(1);
        writer.Write("sampling");
        writer.WriteMapHeader(1);
        writer.Write("stop");
        writer.WriteArrayHeader(2);
        writer.Write("whole");
        writer.WriteString([0x61, 0xff]);
        writer.Flush();

        MessagePackSerializationException refused = Assert.Throws<MessagePackSerializationException>(() =>
            MessagePackSerializer.Deserialize<NewConversation>(value.WrittenMemory, HubMessagePack.Options, Cancelled)
        );
        Assert.Equal(Sentence(1), Assert.IsType<InvalidTextException>(refused.InnerException).Message);
    }

    [Fact]
    public async Task Two_ids_that_differ_in_an_invalid_character_are_not_one()
    {
        await using HubConnection hub = await Gateways.ConnectAsync(
            gateways.Silo,
            await Gateways.SignInAsync(gateways.Silo),
            messagePack: true
        );
        Dictionary<string, object> created = await hub.InvokeAsync<Dictionary<string, object>>("CreateConversation", Cancelled);
        await hub.InvokeAsync("Send", created["id"], "hello", "m\ufffd", Cancelled);
        await hub.InvokeAsync("Send", created["id"], "other", "m\u00e9\ud83d\ude00", Cancelled); // valid ones pass

        Assert.Equal(2, gateways.Conversations[(string)created["id"]].Log.LastSeq);
    }

    private static string Sentence(int place) =>
        $"A text of this call has half a character at place {place}: send whole characters, as valid Unicode.";

    private static Microsoft.Extensions.Options.IOptions<JsonHubProtocolOptions> Options(System.Text.Json.JsonSerializerOptions json) =>
        Microsoft.Extensions.Options.Options.Create(new JsonHubProtocolOptions { PayloadSerializerOptions = json });

    /// <summary>The sentence with which the hub's protocol refuses a call's bytes.</summary>
    private static string RefusalOf(IHubProtocol protocol, byte[] call)
    {
        var input = new ReadOnlySequence<byte>(call);
        Assert.True(new ChatHubProtocol(protocol).TryParseMessage(ref input, new SendBinder(), out HubMessage? message));
        return Assert.IsType<HubException>(Assert.IsType<InvocationBindingFailureMessage>(message).BindingFailure.SourceException).Message;
    }

    private sealed class SendBinder : Microsoft.AspNetCore.SignalR.IInvocationBinder
    {
        public IReadOnlyList<Type> GetParameterTypes(string methodName) => [typeof(string), typeof(string), typeof(string)];

        public Type GetReturnType(string invocationId) => typeof(object);

        public Type GetStreamItemType(string streamId) => typeof(object);
    }
}
