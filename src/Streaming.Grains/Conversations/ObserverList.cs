using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>The gateways that watch a conversation: one observer each, forgotten when it is not renewed.</summary>
internal sealed class ObserverList(string conversationId, TimeProvider time)
{
    private readonly Dictionary<string, (IConversationObserver Observer, DateTimeOffset Until)> _observers = [];

    /// <summary>Adds a gateway or renews its subscription; a new one is told what holds now and is stored nowhere.</summary>
    public void Renew(string gatewayId, IConversationObserver observer, ConversationEvent? passing)
    {
        bool isNew = !_observers.ContainsKey(gatewayId);
        _observers[gatewayId] = (observer, time.GetUtcNow() + Limits.SubscriptionLifetime);
        if (isNew && passing is not null)
            observer.OnEvents(conversationId, new Immutable<IReadOnlyList<ConversationEvent>>([passing])).Ignore();
    }

    /// <summary>Forgets a gateway.</summary>
    public void Remove(string gatewayId) => _observers.Remove(gatewayId);

    /// <summary>Tells all gateways; nothing waits for them, and what is lost they notice by the numbers.</summary>
    public void Publish(params IReadOnlyList<ConversationEvent> events)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (string expired in _observers.Where(o => o.Value.Until < now).Select(o => o.Key).ToList())
            _observers.Remove(expired);
        foreach ((IConversationObserver observer, _) in _observers.Values)
            observer.OnEvents(conversationId, events.AsImmutable()).Ignore();
    }
}
