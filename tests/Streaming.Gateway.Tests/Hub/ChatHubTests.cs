using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Hub;
using Streaming.Gateway.Tests.Fakes;
using Streaming.Gateway.Tests.Watching;

namespace Streaming.Gateway.Tests.Hub;

public sealed class ChatHubTests(Gateways gateways) : IAsyncLifetime
{
    private HubConnection _hub = null!;
    private string _id = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private FakeConversation Conversation => gateways.Conversations[_id];

    public async ValueTask InitializeAsync()
    {
        _hub = await Gateways.ConnectAsync(gateways.Silo);
        _id = await CreateAsync(new { title = "first" });
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task Conversation_is_created_as_requested_and_described()
    {
        string id = await CreateAsync(
            new
            {
                title = "rivers",
                systemPrompt = "You are a river.",
                pinSystemPrompt = false,
                sinks = 1,
                window = 99,
                sampling = new
                {
                    temperature = 0.5,
                    topP = 0.9,
                    topK = 40,
                    minP = 0.05,
                    repeatPenalty = 1.1,
                    frequencyPenalty = 0.1,
                    presencePenalty = 0.2,
                    seed = 9007199254740993,
                    maxTokens = 0,
                    ignoreEos = true,
                    stop = new List<string> { "." },
                    logitBias = new Dictionary<string, double> { ["7"] = -100 },
                    typicalP = 0.9,
                    noRepeatNgramSize = 3,
                    suppressTokens = new List<int> { 1, 2 },
                    beginSuppressTokens = new List<int> { 3 },
                    badWordsIds = new List<List<int>>
                    {
                        new() { 4 },
                        new() { 5, 6 },
                    },
                    minNewTokens = 2,
                },
            }
        );

        NewConversation request = gateways.Conversations[id].Request;
        Assert.Equal(
            ("rivers", "You are a river.", false, 1, 99),
            (request.Title, request.SystemPrompt, request.PinSystemPrompt, request.Sinks, request.Window)
        );
        Sampling sampling = (await _hub.InvokeAsync<Conversation>("GetConversation", id, Cancelled)).Sampling;
        Assert.Equal(["."], sampling.Stop!);
        Assert.Equal([1, 2], sampling.SuppressTokens!);
        Assert.Equal([3], sampling.BeginSuppressTokens!);
        Assert.Equal<int[]>(
            [
                [4],
                [5, 6],
            ],
            sampling.BadWordsIds!.Select(word => word.ToArray())
        );
        Assert.Equal([KeyValuePair.Create(7, -100.0)], sampling.LogitBias!);
        Assert.Equal(
            new Sampling
            {
                Temperature = 0.5,
                TopP = 0.9,
                TopK = 40,
                MinP = 0.05,
                RepeatPenalty = 1.1,
                FrequencyPenalty = 0.1,
                PresencePenalty = 0.2,
                Seed = 9007199254740993,
                MaxTokens = 0,
                IgnoreEos = true,
                TypicalP = 0.9,
                NoRepeatNgramSize = 3,
                MinNewTokens = 2,
            },
            sampling with
            {
                Stop = null,
                LogitBias = null,
                SuppressTokens = null,
                BeginSuppressTokens = null,
                BadWordsIds = null,
            }
        );
    }

    [Fact]
    public async Task Conversations_are_listed_in_pages()
    {
        string[] ids = [_id, await CreateAsync(new { }), await CreateAsync(new { })];
        ConversationPage first = await _hub.InvokeAsync<ConversationPage>("ListConversations", new { take = 2 }, Cancelled);
        ConversationPage second = await _hub.InvokeAsync<ConversationPage>(
            "ListConversations",
            new { take = 2, after = first.Next },
            Cancelled
        );

        Assert.Equal(2, first.Items.Count);
        Assert.Null(second.Next);
        Assert.Equal(ids.Order(StringComparer.Ordinal), [.. first.Items.Select(item => item.Id), .. second.Items.Select(item => item.Id)]);
    }

    [Fact]
    public async Task Title_and_sampling_are_configured()
    {
        await _hub.InvokeAsync("Configure", _id, new { title = "second", sampling = new { temperature = 0 } }, Cancelled);

        Assert.Equal(("second", 0d), (Conversation.Title, Conversation.Sampling.Temperature));
    }

    [Fact]
    public async Task Message_is_stored_once_and_watched_with_its_author()
    {
        await using Watcher watcher = Watch(_id, 0).Allow();
        Sent sent = await SendAsync("hello", "m1");

        Assert.Equal(new Sent(1, 1), sent);
        Assert.Equal(sent, await SendAsync("hello", "m1"));
        Assert.Equal(
            "The same clientMessageId said something else: give the message a new one.",
            await RefusalOf(() => SendAsync("other", "m1"))
        );
        ConversationEvent message = await watcher.Reaches(1);
        Assert.Equal((EventKind.Message, 1, "hello", Conversation.Owner), (message.Kind, message.Turn, message.Text, message.Author));
    }

    [Fact]
    public async Task Turns_are_read_by_page()
    {
        TurnPage page = await _hub.InvokeAsync<TurnPage>("ReadTurns", _id, new { before = 5L, take = 3 }, Cancelled);

        Assert.Equal("before 5 take 3", page.Items.Single().Text);
        Assert.Equal(7, page.Next);
    }

    [Fact]
    public async Task Stop_reaches_the_conversation_with_its_turn_and_without()
    {
        await _hub.InvokeAsync("Stop", _id, (int?)4, Cancelled);
        Assert.Equal((4, 1), (Conversation.StoppedTurn, Conversation.Stops));

        await _hub.InvokeAsync("Stop", _id, (int?)null, Cancelled);
        Assert.Equal((null, 2), (Conversation.StoppedTurn, Conversation.Stops));
    }

    [Fact]
    public async Task Trailing_optional_arguments_may_be_omitted()
    {
        await _hub.InvokeAsync("Stop", _id, Cancelled);
        Assert.Equal((null, 1), (Conversation.StoppedTurn, Conversation.Stops));
        Assert.Equal(_id, (await _hub.InvokeAsync<ConversationPage>("ListConversations", Cancelled)).Items.Single().Id);
        Assert.Equal("before  take 50", (await _hub.InvokeAsync<TurnPage>("ReadTurns", _id, Cancelled)).Items.Single().Text);
        Assert.NotNull(await _hub.InvokeAsync<Conversation>("CreateConversation", Cancelled));
        await SendAsync("hello", "m1");
        await using IAsyncEnumerator<ConversationEvent> watching = _hub.StreamAsync<ConversationEvent>("Watch", _id, Cancelled)
            .GetAsyncEnumerator(Cancelled);
        Assert.True(await watching.MoveNextAsync());
        Assert.Equal("hello", watching.Current.Text);
    }

    [Fact]
    public async Task Arguments_of_wrong_type_or_number_are_refused_with_a_sentence()
    {
        const string sentence = "The method does not take these arguments: see the hub's contract for their names and types.";

        Assert.Equal(sentence, await RefusalOf(() => _hub.InvokeAsync("Stop", _id, "four", Cancelled)));
        Assert.Equal(sentence, await RefusalOf(() => _hub.InvokeAsync("Send", _id, Cancelled)));
        Assert.Equal("Method does not exist.", await RefusalOf(() => _hub.InvokeAsync("Undelete", _id, Cancelled)));
    }

    [Fact]
    public async Task The_cache_is_inspected_where_the_setting_allows_it()
    {
        CacheView view = await _hub.InvokeAsync<CacheView>("InspectCache", _id, Cancelled);
        Assert.Equal([1, 2], view.FixedIds);
        Assert.Equal([3], view.WindowIds);

        await using HubConnection elsewhere = await Gateways.ConnectAsync(gateways.Standalone);
        Assert.Equal(
            "InspectCache is switched off: start the host with Streaming:InspectCache=true.",
            await RefusalOf(() => elsewhere.InvokeAsync("InspectCache", _id, Cancelled))
        );
    }

    [Fact]
    public async Task Deleted_conversation_ends_its_streams_and_is_unknown_afterwards()
    {
        await using Watcher watcher = Watch(_id, 0).Allow();
        await SendAsync("hello", "m1");
        await watcher.Reaches(1);
        await _hub.InvokeAsync("Delete", _id, Cancelled);
        await watcher.Ended;

        Assert.Equal([EventKind.Message, EventKind.Deleted], watcher.Seen.Select(next => next.Kind));
        Assert.Equal(RequestRefusedException.NoSuchConversation().Message, await RefusalOf(() => SendAsync("hello", "m2")));
        Assert.Equal(RequestRefusedException.NoSuchConversation().Message, await RefusalOf(() => WatchOnce(_id, 0)));
    }

    [Fact]
    public async Task Watching_after_a_number_beyond_the_last_is_refused()
    {
        await SendAsync("hello", "m1");

        Assert.Equal(
            "The conversation's last number is 1, so it cannot be watched after 2: read its turns again and watch after theirs.",
            await RefusalOf(() => WatchOnce(_id, 2))
        );
        Assert.Equal(
            "The conversation's last number is 1, so it cannot be watched after -1: read its turns again and watch after theirs.",
            await RefusalOf(() => WatchOnce(_id, -1))
        );
    }

    [Theory]
    [InlineData("", "m", "The message is empty: write something.")]
    [InlineData(" \n", "m", "The message is empty: write something.")]
    [InlineData(null, "m", "The message is empty: write something.")]
    [InlineData("hello", "", "The clientMessageId is missing: give each message a new one, and the same one when it is sent again.")]
    [InlineData("hello", null, "The clientMessageId is missing: give each message a new one, and the same one when it is sent again.")]
    public async Task Message_without_text_or_clientMessageId_is_refused(string? text, string? name, string sentence)
    {
        Assert.Equal(sentence, await RefusalOf(() => _hub.InvokeAsync("Send", _id, text, name, Cancelled)));
        Assert.Equal(0, Conversation.Log.LastSeq);
    }

    [Fact]
    public async Task Message_of_one_mebibyte_is_accepted_however_it_is_escaped()
    {
        await SendAsync(new string('\u0001', Limits.MessageBytes), "m1"); // six times as long in JSON
        await SendAsync(new string('語', Limits.MessageBytes / 3), "m2");

        Assert.Equal(2, Conversation.Log.LastSeq);
    }

    [Fact]
    public async Task Longer_message_is_refused_with_its_length()
    {
        Assert.Equal(
            "The message has 1048577 bytes of UTF-8, and 1048576 is the most: send it in parts.",
            await RefusalOf(() => SendAsync(new string('x', Limits.MessageBytes + 1), "m1"))
        );
        Assert.Equal(
            "The clientMessageId has 201 characters, and 200 is the most.",
            await RefusalOf(() => SendAsync("hello", new string('m', 201)))
        );
        Assert.Equal(
            "take is 201: it must be from 1 to 200.",
            await RefusalOf(() => _hub.InvokeAsync("ReadTurns", _id, new { take = 201 }, Cancelled))
        );
        Assert.Equal(
            "take is 0: it must be from 1 to 200.",
            await RefusalOf(() => _hub.InvokeAsync("ListConversations", new { take = 0 }, Cancelled))
        );
        Assert.Equal(
            "The argument 'changes' is missing.",
            await RefusalOf(() => _hub.InvokeAsync("Configure", _id, (object?)null, Cancelled))
        );
    }

    [Fact]
    public async Task Refusal_is_its_sentence_and_a_failure_reveals_no_internals()
    {
        Assert.Equal("This title is refused: take another.", await RefusalOf(() => CreateAsync(new { title = "refuse" })));
        Assert.Equal(HubErrorFilter.Neutral, await RefusalOf(() => CreateAsync(new { title = "break" })));
    }

    [Fact]
    public async Task Feed_exists_as_long_as_it_has_a_watcher()
    {
        await using (
            Watcher first = Watch(_id, 0).Allow(),
                second = Watch(_id, 0).Allow()
        )
        {
            await SendAsync("hello", "m1");
            await Task.WhenAll(first.Reaches(1), second.Reaches(1));
            await WaitUntil(() => Conversation.Observers.Count == 1, "two watchers share one subscription");
        }
        await WaitUntil(() => Conversation.Observers.IsEmpty, "the subscription ends with its last watcher");
    }

    [Fact]
    public async Task Watches_of_one_connection_are_limited()
    {
        var watchers = new List<Watcher>();
        for (int i = 0; i < ChatHub.WatchesPerConnection; i++)
            watchers.Add(Watch(_id, 0).Allow());
        await SendAsync("hello", "m1");
        await Task.WhenAll(watchers.Select(watcher => watcher.Reaches(1)));

        Assert.Equal(
            "One connection may watch 64 conversations at a time: end another stream first.",
            await RefusalOf(() => WatchOnce(_id, 0))
        );

        foreach (Watcher watcher in watchers)
            await watcher.DisposeAsync();
        await WaitUntil(() => Conversation.Observers.IsEmpty, "all streams end");
        await using Watcher again = Watch(_id, 0).Allow();
        await again.Reaches(1);
    }

    private Watcher Watch(string id, long after) => new(leaving => _hub.StreamAsync<ConversationEvent>("Watch", id, after, leaving));

    private async Task<string> CreateAsync(object request) =>
        (await _hub.InvokeAsync<Conversation>("CreateConversation", request, Cancelled)).Id;

    private Task<Sent> SendAsync(string text, string name) => _hub.InvokeAsync<Sent>("Send", _id, text, name, Cancelled);

    private async Task WatchOnce(string id, long after)
    {
        await foreach (ConversationEvent _ in _hub.StreamAsync<ConversationEvent>("Watch", id, after, Cancelled))
            return;
    }

    private static async Task<string> RefusalOf(Func<Task> call) => (await Assert.ThrowsAsync<HubException>(call)).Message;

    private static async Task WaitUntil(Func<bool> condition, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"Waited too long: {what}.");
            await Task.Yield();
        }
    }
}
