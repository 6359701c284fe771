using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Streaming.Contracts;
using Streaming.Contracts.Conversations;

namespace Streaming.Gateway.Watching;

/// <summary>The feeds of this process: one for each conversation that has a watcher here, while it has one.</summary>
internal sealed class ConversationFeeds(IGrainFactory grains, TimeProvider time, ILogger<ConversationFeed> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SharedFeed> _feeds = [];

    /// <summary>Conversations that are watched here.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _feeds.Count;
        }
    }

    /// <summary>A conversation's events after a number: what is stored, then what comes.</summary>
    /// <exception cref="RequestRefusedException">
    /// There is no such conversation for the caller, or it does not reach the number.
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
            cancellation,
            _ => outage.TrySetResult()
        );
        await Task.WhenAny(described, outage.Task);
        bool isAway = !described.IsCompleted;
        if (isAway)
            yield return Availability.Away(time.GetUtcNow());
        Conversation conversation = await described;
        if (isAway)
            yield return Availability.Back(time.GetUtcNow());
        if (afterSeq < 0 || afterSeq > conversation.LastSeq)
            throw new RequestRefusedException(
                Refusal.Invalid,
                $"The conversation's last number is {conversation.LastSeq}, so it cannot be watched after {afterSeq}: read its turns again and watch after theirs."
            );

        SharedFeed shared = Join(conversationId, grain);
        try
        {
            shared.Feed.Learn(conversation.LastSeq);
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

    /// <summary>A feed and who keeps it. The grain reference alone would not: it is weak.</summary>
    private sealed class SharedFeed(ConversationFeed feed, IConversationObserver reference)
    {
        public ConversationFeed Feed { get; } = feed;

        public IConversationObserver Reference { get; } = reference;

        public int Watchers { get; set; }
    }
}
