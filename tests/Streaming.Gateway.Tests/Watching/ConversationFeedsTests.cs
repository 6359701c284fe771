using Microsoft.Extensions.DependencyInjection;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Tests.Fakes;

namespace Streaming.Gateway.Tests.Watching;

public sealed class ConversationFeedsTests(Gateways gateways)
{
    [Fact]
    public async Task One_observer_serves_all_conversations_and_stays_for_events_that_come_after_the_last_watcher()
    {
        GrainId first = await ObserverOfAWatchAsync("guest-of-the-first");
        GrainId second = await ObserverOfAWatchAsync("guest-of-the-second");
        Assert.Equal(first, second); // Otherwise the first was deleted, and Orleans would report each late event as an error.
    }

    /// <summary>Watches a new conversation until the gateway has subscribed, and ends the watch.</summary>
    private async Task<GrainId> ObserverOfAWatchAsync(string caller)
    {
        string id = ConversationId.New();
        await gateways.Services.GetRequiredService<IGrainFactory>().GetGrain<IConversationGrain>(id).Create(caller, new NewConversation());
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using IAsyncEnumerator<ConversationEvent> watch = gateways.Feeds.Watch(id, caller, 0, ended.Token).GetAsyncEnumerator();
        Task<bool> next = watch.MoveNextAsync().AsTask();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (gateways.Conversations[id].Observers.IsEmpty)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        GrainId observer = gateways.Conversations[id].Observers.Values.Single().GetGrainId();
        await ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        return observer;
    }
}
