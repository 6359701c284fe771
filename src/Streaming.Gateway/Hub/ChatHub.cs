using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Hub;

/// <summary>
/// The hub that browsers and other clients call. It authenticates the caller and checks the form of arguments; the conversation
/// grain decides what the caller may do.
/// </summary>
[Authorize]
internal sealed class ChatHub(
    IGrainFactory grains,
    ConversationFeeds feeds,
    ReadLimiter reads,
    HubErrorFilter errors,
    IHostEnvironment environment,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    IOptions<ChatHubOptions> options
) : Microsoft.AspNetCore.SignalR.Hub
{
    /// <summary>The hub's route.</summary>
    public const string Path = "/hubs/chat";

    /// <summary>The most streams that one connection may have open.</summary>
    public const int WatchesPerConnection = 64;

    private string Caller => Context.UserIdentifier ?? throw new HubException("Sign in first.");

    /// <summary>
    /// Closes connections while the host stops: SignalR tells clients to reconnect only once, so a client that reconnects before the
    /// port is closed would delay the stop until its timeout. The request to close says that the client may reconnect;
    /// <see cref="HubCallerContext.Abort"/> would say that it must not, even to a client that connected a moment before the stop.
    /// </summary>
    public override Task OnConnectedAsync()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            Context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();
        return Task.CompletedTask;
    }

    /// <summary>Creates a conversation that the caller owns.</summary>
    public Task<Conversation> CreateConversation(NewConversation? request = null) =>
        grains.GetGrain<IConversationGrain>(ConversationId.New()).Create(Caller, request ?? new NewConversation());

    /// <summary>Describes a conversation.</summary>
    public Task<Conversation> GetConversation(string id) => RetryAsync(id, conversation => conversation.Get(Caller));

    /// <summary>The caller's conversations, last active first.</summary>
    public Task<ConversationPage> ListConversations(ConversationPageRequest? page = null) =>
        RetryAsync(() => grains.GetGrain<IDirectoryGrain>(Caller).List(page?.After, RequestRules.Take(page?.Take)));

    /// <summary>Changes title or sampling.</summary>
    public Task Configure(string id, ConversationChanges changes) =>
        RetryAsync(id, conversation => conversation.Configure(Caller, RequestRules.Required(changes, "changes")));

    /// <summary>Deletes a conversation.</summary>
    public Task Delete(string id) => Conversation(id).Delete(Caller);

    /// <summary>Stores a message; the reply follows as events.</summary>
    public Task<Sent> Send(string id, string text, string clientMessageId) =>
        RetryAsync(
            id,
            conversation => conversation.Send(Caller, RequestRules.Message(text), RequestRules.ClientMessageId(clientMessageId))
        );

    /// <summary>The stored events after a number, then new ones as they arrive.</summary>
    public async IAsyncEnumerable<ConversationEvent> Watch(
        string id,
        long afterSeq = 0,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        using var counted = WatchCount.Add(Context);
        await using IAsyncEnumerator<ConversationEvent> events = feeds
            .Watch(id, Caller, afterSeq, cancellation)
            .GetAsyncEnumerator(cancellation);
        while (await errors.TranslateAsync(nameof(Watch), () => events.MoveNextAsync(), cancellation))
            yield return events.Current;
    }

    /// <summary>A page of turns; the latest page comes first.</summary>
    public async Task<TurnPage> ReadTurns(string id, TurnPageRequest? page = null)
    {
        IConversationGrain conversation = Conversation(id);
        int take = RequestRules.Take(page?.Take);
        using IDisposable permit = await reads.EnterAsync(Caller, Context.ConnectionAborted);
        return await ClusterRetry.WithinTimeoutAsync(
            attempt => conversation.ReadTurns(Caller, page?.Before, take, attempt),
            time,
            Context.ConnectionAborted
        );
    }

    /// <summary>Stops the running reply; with a turn, only if it is that turn's.</summary>
    public Task Stop(string id, int? turn = null) =>
        turn is null
            ? Conversation(id).Stop(Caller, turn) // Repeated, it could stop the next reply.
            : RetryAsync(id, conversation => conversation.Stop(Caller, turn));

    /// <summary>The token ids in the conversation's attention; for development and administrators.</summary>
    public Task<CacheView> InspectCache(string id) =>
        environment.IsDevelopment() || options.Value.InspectCache
            ? RetryAsync(id, conversation => conversation.InspectCache(Caller))
            : throw new HubException("InspectCache is switched off: start the host with Streaming:InspectCache=true.");

    private IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(RequestRules.Id(id));

    private Task<T> RetryAsync<T>(string id, Func<IConversationGrain, Task<T>> call) => RetryAsync(() => call(Conversation(id)));

    private async Task RetryAsync(string id, Func<IConversationGrain, Task> call) =>
        await RetryAsync(
            id,
            async conversation =>
            {
                await call(conversation);
                return true;
            }
        );

    /// <summary>Makes a call that is safe to repeat, and repeats it on another silo if the first one is lost.</summary>
    private Task<T> RetryAsync<T>(Func<Task<T>> call) => ClusterRetry.WithinTimeoutAsync(call, time, Context.ConnectionAborted);

    /// <summary>Counts the open streams of a connection.</summary>
    private sealed class WatchCount : IDisposable
    {
        private int _open;

        public static WatchCount Add(HubCallerContext connection)
        {
            WatchCount count;
            lock (connection.Items)
            {
                if (connection.Items.TryGetValue(typeof(WatchCount), out object? there))
                    count = (WatchCount)there!;
                else
                    connection.Items[typeof(WatchCount)] = count = new WatchCount();
            }
            if (Interlocked.Increment(ref count._open) <= WatchesPerConnection)
                return count;
            count.Dispose();
            throw new HubException($"One connection may watch {WatchesPerConnection} conversations at a time: end another stream first.");
        }

        public void Dispose() => Interlocked.Decrement(ref _open);
    }
}
