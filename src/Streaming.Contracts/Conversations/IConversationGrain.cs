using Orleans.Concurrency;

namespace Streaming.Contracts.Conversations;

/// <summary>
/// One endless dialogue; the key is its <see cref="ConversationId"/>. Methods that take a caller's identity treat a
/// conversation that is not the caller's as one that does not exist. Refusals are <see cref="RequestRefusedException"/>.
/// </summary>
[Alias("conversation-grain")]
public interface IConversationGrain : IGrainWithStringKey
{
    /// <summary>Creates the conversation, owned by the caller. The key must be new.</summary>
    [Alias("create")]
    Task<Conversation> Create(string caller, NewConversation request);

    /// <summary>Describes the conversation.</summary>
    [Alias("get"), AlwaysInterleave]
    Task<Conversation> Get(string caller);

    /// <summary>Changes title or sampling.</summary>
    [Alias("configure")]
    Task Configure(string caller, ConversationChanges changes);

    /// <summary>Hides the conversation at once and ends its reply and watchers; it is erased ten minutes later.</summary>
    [Alias("delete")]
    Task Delete(string caller);

    /// <summary>Stores a message, then returns; the reply follows as events. Sending the same id and text again returns the same.</summary>
    [Alias("send")]
    Task<Sent> Send(string caller, string text, string clientMessageId);

    /// <summary>Ends the running reply, or only that of a given turn; its text stays. No effect when none runs.</summary>
    [Alias("stop"), AlwaysInterleave]
    Task Stop(string caller, int? turn);

    /// <summary>
    /// Stored events after a number, oldest first, at most some 256 KiB of text; empty at the end.
    /// A number beyond the last is refused.
    /// </summary>
    [Alias("read-events"), AlwaysInterleave]
    Task<EventPage> ReadEvents(string caller, long afterSeq);

    /// <summary>
    /// Turns before a number (a page's <c>Next</c>), or the latest ones; at most <paramref name="take"/>, 1 to
    /// <see cref="Limits.PageItems"/>, <see cref="Limits.DefaultPageItems"/> by default.
    /// </summary>
    [Alias("read-turns"), AlwaysInterleave]
    Task<TurnPage> ReadTurns(string caller, long? before, int? take, CancellationToken cancellation = default);

    /// <summary>The ids in its fixed part and window.</summary>
    [Alias("inspect-cache"), AlwaysInterleave]
    Task<CacheView> InspectCache(string caller);

    /// <summary>
    /// Subscribes a gateway, or renews its subscription (every <see cref="Limits.SubscriptionRenewal"/>, else it ends after
    /// <see cref="Limits.SubscriptionLifetime"/>). Returns the last event's number, so that the gateway notices even a lost last event.
    /// The gateway checks its watchers with <see cref="Get"/>; a deleted conversation is refused as unknown.
    /// </summary>
    [Alias("subscribe"), AlwaysInterleave]
    Task<long> Subscribe(string gatewayId, IConversationObserver observer);

    /// <summary>Ends a subscription before its time.</summary>
    [Alias("unsubscribe"), AlwaysInterleave]
    Task Unsubscribe(string gatewayId);

    /// <summary>Wakes a conversation whose reply lost its process; the recovery sweep calls it.</summary>
    [Alias("resume"), AlwaysInterleave]
    Task Resume();
}

/// <summary>A gateway as conversations see it: one observer for all conversations that have watchers there.</summary>
[Alias("conversation-observer")]
public interface IConversationObserver : IGrainObserver
{
    /// <summary>
    /// New events, in order within a call, already stored (or transient). Calls may be lost or arrive twice; the
    /// events' numbers show it.
    /// </summary>
    [Alias("on-events"), OneWay]
    Task OnEvents(string conversationId, Immutable<IReadOnlyList<ConversationEvent>> events);
}

/// <summary>The conversations of one owner; the key is the owner's identity.</summary>
[Alias("directory-grain")]
public interface IDirectoryGrain : IGrainWithStringKey
{
    /// <summary>A page of the owner's conversations, last active first; <paramref name="take"/> from 1 to 200, 50 by default.</summary>
    [Alias("list")]
    Task<ConversationPage> List(string? after, int? take);
}
