using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>
/// The feeds of this process: one for each conversation that is watched here. It is the one observer of all of them. An observer for
/// each feed would have to be deleted with it, and Orleans reports an error for each event that is still on its way then.
/// </summary>
internal sealed class ConversationFeeds(IGrainFactory grains, ReadLimiter reads, TimeProvider time, ILogger<ConversationFeed> logger)
    : IConversationObserver
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SharedFeed> _feeds = [];
    private readonly StoredPages _pages = new();
    private IConversationObserver? _reference; // Created with the first feed, when the cluster's client has started.

    /// <summary>The number of conversations that are watched here.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _feeds.Count;
        }
    }

    /// <inheritdoc />
    public Task OnEvents(string conversationId, Immutable<IReadOnlyList<ConversationEvent>> events)
    {
        SharedFeed? shared;
        lock (_gate)
            shared = _feeds.GetValueOrDefault(conversationId);
        return shared?.Feed.OnEvents(conversationId, events) ?? Task.CompletedTask; // Events of a feed that has ended may be late.
    }

    /// <summary>The stored events of a conversation after a number, then new ones as they arrive.</summary>
    /// <exception cref="RequestRefusedException">
    /// The conversation does not exist for the caller, or its last number is lower.
    /// </exception>
    public async IAsyncEnumerable<ConversationEvent> Watch(
        string conversationId,
        string caller,
        long afterSeq,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        if (!ConversationId.IsValid(conversationId))
            throw RequestRefusedException.NoSuchConversation();
        IConversationGrain grain = grains.GetGrain<IConversationGrain>(conversationId);
        var outage = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<Conversation> described = ClusterRetry.UntilAnsweredAsync(
            () => grain.Get(caller),
            time,
            _ => outage.TrySetResult(),
            cancellation
        );
        await Task.WhenAny(described, outage.Task);
        bool isUnreachable = !described.IsCompleted;
        if (isUnreachable)
            yield return Availability.Unreachable(time.GetUtcNow());
        Conversation conversation = await described;
        if (isUnreachable)
            yield return Availability.Reachable(time.GetUtcNow());
        if (afterSeq < 0 || afterSeq > conversation.LastSeq)
            throw new RequestRefusedException(
                Refusal.Invalid,
                $"The conversation's last number is {conversation.LastSeq}, so it cannot be watched after "
                    + $"{afterSeq}: read its turns again and watch after theirs."
            );

        SharedFeed shared = Join(conversationId, grain);
        try
        {
            shared.Feed.SetLastSeq(conversation.LastSeq);
            await foreach (ConversationEvent next in shared.Feed.Watch(caller, afterSeq, cancellation))
                yield return next;
        }
        finally
        {
            await LeaveAsync(conversationId, shared);
        }
    }

    private SharedFeed Join(string conversationId, IConversationGrain grain)
    {
        lock (_gate)
        {
            if (!_feeds.TryGetValue(conversationId, out SharedFeed? shared))
            {
                _reference ??= grains.CreateObjectReference<IConversationObserver>(this);
                shared = new SharedFeed(new ConversationFeed(conversationId, grain, _pages, reads, time, logger));
                _feeds.Add(conversationId, shared);
                shared.Feed.Start(_reference);
            }
            shared.Watchers++;
            return shared;
        }
    }

    private async Task LeaveAsync(string conversationId, SharedFeed shared)
    {
        lock (_gate)
        {
            if (--shared.Watchers > 0)
                return;
            _feeds.Remove(conversationId);
        }
        await shared.Feed.DisposeAsync();
    }

    /// <summary>A feed and the number of its watchers.</summary>
    private sealed class SharedFeed(ConversationFeed feed)
    {
        public ConversationFeed Feed { get; } = feed;

        public int Watchers { get; set; }
    }
}
