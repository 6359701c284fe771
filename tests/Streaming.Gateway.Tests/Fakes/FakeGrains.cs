using Streaming.Contracts;
using Streaming.Contracts.Conversations;
using Streaming.Contracts.Identity;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>The conversation grain over <see cref="FakeConversations"/>, without a model.</summary>
internal sealed class FakeConversationGrain(FakeConversations conversations) : Grain, IConversationGrain
{
    private string Id => this.GetPrimaryKeyString();

    public Task<Conversation> Create(string caller, NewConversation request)
    {
        if (request.Title == "break")
            throw new InvalidOperationException("secret words of the inside");
        if (request.Title == "refuse")
            throw new RequestRefusedException(Refusal.Conflict, "This title is refused: take another.");
        FakeConversation conversation = conversations.ById.GetOrAdd(Id, id => new FakeConversation(id, caller, request));
        return Task.FromResult(conversation.Describe());
    }

    public Task<Conversation> Get(string caller) => Task.FromResult(Mine(caller).Describe());

    public Task Configure(string caller, ConversationChanges changes)
    {
        FakeConversation conversation = Mine(caller);
        conversation.Title = changes.Title ?? conversation.Title;
        conversation.Sampling = changes.Sampling ?? conversation.Sampling;
        return Task.CompletedTask;
    }

    public async Task Delete(string caller)
    {
        FakeConversation conversation = Mine(caller);
        conversation.Deleted = true;
        await conversation.Push(new ConversationEvent { Kind = EventKind.Deleted, At = FakeLog.At });
    }

    public async Task<Sent> Send(string caller, string text, string clientMessageId)
    {
        FakeConversation conversation = Mine(caller);
        if (conversation.Said.TryGetValue(clientMessageId, out (string Text, Sent Sent) said))
            return said.Text == text
                ? said.Sent
                : throw new RequestRefusedException(
                    Refusal.Conflict,
                    "The same clientMessageId said something else: give the message a new one."
                );
        ConversationEvent message = conversation.Log.Append(EventKind.Message, ++conversation.Turns, text);
        var sent = new Sent(message.Turn, message.Seq!.Value);
        conversation.Said[clientMessageId] = (text, sent);
        await conversation.Push(message);
        return sent;
    }

    public Task Stop(string caller, int? turn)
    {
        FakeConversation conversation = Mine(caller);
        conversation.StoppedTurn = turn;
        conversation.Stops++;
        return Task.CompletedTask;
    }

    public Task<EventPage> ReadEvents(string caller, long afterSeq) => Task.FromResult(Mine(caller).Log.Read(afterSeq, most: 256));

    public Task<TurnPage> ReadTurns(string caller, long? before, int? take, CancellationToken cancellation = default) =>
        Task.FromResult(
            new TurnPage(
                [
                    new TurnItem
                    {
                        Turn = 1,
                        Author = Mine(caller).Owner,
                        Text = $"before {before} take {take}",
                        From = 0,
                        Seq = 1,
                        At = FakeLog.At,
                    },
                ],
                7
            )
        );

    public Task<CacheView> InspectCache(string caller) => Task.FromResult(new CacheView(Mine(caller).Log.LastSeq, 0, [1, 2], [3]));

    public Task<long> Subscribe(string gatewayId, IConversationObserver observer)
    {
        FakeConversation conversation = Known();
        conversation.Observers[gatewayId] = observer;
        return Task.FromResult(conversation.Log.LastSeq);
    }

    public Task Unsubscribe(string gatewayId)
    {
        Known().Observers.TryRemove(gatewayId, out _);
        return Task.CompletedTask;
    }

    public Task Resume() => Task.CompletedTask;

    private FakeConversation Known() =>
        conversations.ById.TryGetValue(Id, out FakeConversation? conversation) && !conversation.Deleted
            ? conversation
            : throw RequestRefusedException.NoSuchConversation();

    private FakeConversation Mine(string caller) =>
        Known() is { } conversation && conversation.Owner == caller ? conversation : throw RequestRefusedException.NoSuchConversation();
}

internal sealed class FakeDirectoryGrain(FakeConversations conversations) : Grain, IDirectoryGrain
{
    public Task<ConversationPage> List(string? after, int? take)
    {
        string owner = this.GetPrimaryKeyString();
        ConversationEntry[] mine =
        [
            .. conversations
                .ById.Values.Where(conversation => conversation.Owner == owner && !conversation.Deleted)
                .OrderBy(conversation => conversation.Id, StringComparer.Ordinal)
                .Where(conversation => after is null || string.CompareOrdinal(conversation.Id, after) > 0)
                .Select(conversation => new ConversationEntry(conversation.Id, conversation.Title, FakeLog.At, FakeLog.At)),
        ];
        ConversationEntry[] page = [.. mine.Take(take ?? 50)];
        return Task.FromResult(new ConversationPage(page, page.Length < mine.Length ? page[^1].Id : null));
    }
}

internal sealed class FakeKeyRingGrain : Grain, IKeyRingGrain
{
    private readonly List<string> _elements = [];

    public Task<IReadOnlyList<string>> Read() => Task.FromResult<IReadOnlyList<string>>([.. _elements]);

    public Task Add(string element)
    {
        _elements.Add(element);
        return Task.CompletedTask;
    }
}
