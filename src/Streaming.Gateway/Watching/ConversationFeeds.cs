using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>The feeds of this process: one for each conversation that is watched here.</summary>
internal sealed class ConversationFeeds(IGrainFactory grains, TimeProvider time, ILogger<ConversationFeed> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SharedFeed> _feeds = [];

    /// <summary>The number of conversations that are watched here.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _feeds.Count;
        }
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
                var feed = new ConversationFeed(conversationId, grain, time, logger);
                shared = new SharedFeed(feed, grains.CreateObjectReference<IConversationObserver>(feed));
                feed.Start(shared.Reference);
                _feeds.Add(conversationId, shared);
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
        grains.DeleteObjectReference<IConversationObserver>(shared.Reference);
    }

    /// <summary>
    /// A feed, its grain reference and the number of its watchers. The reference alone would not keep the feed alive: it is weak.
    /// </summary>
    private sealed class SharedFeed(ConversationFeed feed, IConversationObserver reference)
    {
        public ConversationFeed Feed { get; } = feed;

        public IConversationObserver Reference { get; } = reference;

        public int Watchers { get; set; }
    }
}
