using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Grains.Conversations;

/// <summary>The gateways that watch a conversation, one observer each; a subscription that is not renewed expires.</summary>
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

    /// <summary>Whether no gateway watches.</summary>
    public bool IsEmpty => _subscriptions.Count == 0;

    /// <summary>
    /// Adds a gateway or renews its subscription, and sends it the current transient event: its numbers do not show when one was
    /// lost. A new gateway may have <c>paused</c> from an earlier activation, and gets <c>resumed</c> if that does not hold any more.
    /// </summary>
    /// <param name="gatewayId">The gateway.</param>
    /// <param name="observer">Its observer.</param>
    /// <param name="transient">The current transient event; null when there is none.</param>
    /// <param name="isAvailable">Whether the store has taken an append of this activation, or nothing waits for the store.</param>
    public void Renew(string gatewayId, IConversationObserver observer, ConversationEvent? transient, bool isAvailable)
    {
        bool isNew = !_subscriptions.ContainsKey(gatewayId);
        DateTimeOffset now = _time.GetUtcNow();
        _subscriptions[gatewayId] = new Subscription(gatewayId, observer, now + Limits.SubscriptionLifetime);
        if (transient is not null)
            Send(observer, [transient]);
        else if (isNew && isAvailable)
            Send(observer, [new ConversationEvent { Kind = EventKind.Resumed, At = now }]);
    }

    /// <summary>Ends a gateway's subscription.</summary>
    public void Remove(string gatewayId) => _subscriptions.Remove(gatewayId);

    /// <summary>Sends events to all gateways without waiting for them; they notice lost events by their numbers.</summary>
    public void Publish(params IReadOnlyList<ConversationEvent> events)
    {
        DateTimeOffset now = _time.GetUtcNow();
        foreach (Subscription expired in _subscriptions.Values.Where(s => s.Until < now).ToList())
            _subscriptions.Remove(expired.GatewayId);
        foreach (Subscription subscription in _subscriptions.Values)
            Send(subscription.Observer, events);
    }

    /// <summary>The subscriptions, for the activation on another silo.</summary>
    public Subscription[] ToArray() => [.. _subscriptions.Values];

    private void Send(IConversationObserver observer, IReadOnlyList<ConversationEvent> events) =>
        observer.OnEvents(_conversationId, events.AsImmutable()).Ignore();
}

/// <summary>A gateway's subscription.</summary>
/// <param name="GatewayId">The gateway.</param>
/// <param name="Observer">Its observer.</param>
/// <param name="Until">When it expires unless renewed.</param>
[GenerateSerializer, Immutable, Alias("subscription")]
internal sealed record Subscription(
    [property: Id(0)] string GatewayId,
    [property: Id(1)] IConversationObserver Observer,
    [property: Id(2)] DateTimeOffset Until
);
