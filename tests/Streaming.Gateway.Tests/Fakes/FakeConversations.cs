using System.Collections.Concurrent;
using Orleans.Concurrency;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>The state of the fake grains of one silo, which tests can script.</summary>
internal sealed class FakeConversations
{
    public ConcurrentDictionary<string, FakeConversation> ById { get; } = [];

    public FakeConversation this[string id] => ById[id];
}

/// <summary>One conversation: its log, settings and subscribers.</summary>
internal sealed class FakeConversation(string id, string owner, NewConversation request)
{
    public string Id { get; } = id;

    public string Owner { get; } = owner;

    public string? Title { get; set; } = request.Title;

    public Sampling Sampling { get; set; } = request.Sampling ?? new Sampling();

    public NewConversation Request { get; } = request;

    public FakeLog Log { get; } = new(owner);

    public bool Deleted { get; set; }

    public int? StoppedTurn { get; set; }

    public int Stops { get; set; }

    public int Turns { get; set; }

    public Dictionary<string, (string Text, Sent Sent)> Said { get; } = [];

    public ConcurrentDictionary<string, IConversationObserver> Observers { get; } = [];

    /// <summary>Stores a group and pushes it to the gateways.</summary>
    public Task Say(string kind, int turn, params string?[] texts) => Push(Log.Append(kind, turn, texts));

    /// <summary>Pushes events to the gateways.</summary>
    public Task Push(params ConversationEvent[] events) =>
        Task.WhenAll(Observers.Values.Select(observer => observer.OnEvents(Id, new Immutable<IReadOnlyList<ConversationEvent>>(events))));

    public Conversation Describe() =>
        new()
        {
            Id = Id,
            Title = Title,
            Model = "fake",
            CreatedAt = FakeLog.At,
            ActiveAt = FakeLog.At,
            LastSeq = Log.LastSeq,
            Sinks = 4,
            Window = 508,
            Fixed = 4,
            Sampling = Sampling,
        };
}
