using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>The gateways that watch a conversation: one observer each, forgotten when it is not renewed.</summary>
internal sealed class ObserverList
{
    private readonly string _conversationId;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, Subscription> _subscriptions;

    public ObserverList(string conversationId, TimeProvider time, params ReadOnlySpan<Subscription> inherited)
    {
        _conversationId = conversationId;
        _time = time;
        _subscriptions = inherited.ToArray().ToDictionary(s => s.GatewayId);
    }

    /// <summary>Whether nobody watches.</summary>
    public bool IsEmpty => _subscriptions.Count == 0;

    /// <summary>
    /// Adds a gateway or renews its subscription, and tells it what holds now and is stored nowhere: no number shows it when that
    /// was lost. A new one is told if nothing does: it may have heard something else from an activation that is gone.
    /// </summary>
    public void Renew(string gatewayId, IConversationObserver observer, ConversationEvent? passing)
    {
        bool isNew = !_subscriptions.ContainsKey(gatewayId);
        DateTimeOffset now = _time.GetUtcNow();
        _subscriptions[gatewayId] = new Subscription(gatewayId, observer, now + Limits.SubscriptionLifetime);
        if (passing is not null || isNew)
            Tell(observer, [passing ?? new ConversationEvent { Kind = EventKind.Resumed, At = now }]);
    }

    /// <summary>Forgets a gateway.</summary>
    public void Remove(string gatewayId) => _subscriptions.Remove(gatewayId);

    /// <summary>Tells all gateways; nothing waits for them, and what is lost they notice by the numbers.</summary>
    public void Publish(params IReadOnlyList<ConversationEvent> events)
    {
        DateTimeOffset now = _time.GetUtcNow();
        foreach (Subscription expired in _subscriptions.Values.Where(s => s.Until < now).ToList())
            _subscriptions.Remove(expired.GatewayId);
        foreach (Subscription subscription in _subscriptions.Values)
            Tell(subscription.Observer, events);
    }

    /// <summary>The subscriptions, for the activation that goes on elsewhere.</summary>
    public Subscription[] ToArray() => [.. _subscriptions.Values];

    private void Tell(IConversationObserver observer, IReadOnlyList<ConversationEvent> events) =>
        observer.OnEvents(_conversationId, events.AsImmutable()).Ignore();
}

/// <summary>A gateway that watches.</summary>
/// <param name="GatewayId">Its name.</param>
/// <param name="Observer">What to call.</param>
/// <param name="Until">When it is forgotten unless renewed.</param>
[GenerateSerializer, Immutable, Alias("subscription")]
internal sealed record Subscription(
    [property: Id(0)] string GatewayId,
    [property: Id(1)] IConversationObserver Observer,
    [property: Id(2)] DateTimeOffset Until
);
