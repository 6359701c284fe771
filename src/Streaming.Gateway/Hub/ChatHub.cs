using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Streaming.Contracts.Conversations;
using Streaming.Gateway.Watching;

namespace Streaming.Gateway.Hub;

/// <summary>
/// The hub that browsers and clients talk to. It knows who asks and looks at the arguments' form; what may be done with a
/// conversation is the conversation's to say.
/// </summary>
[Authorize]
internal sealed class ChatHub(
    IGrainFactory grains,
    ConversationFeeds feeds,
    HubErrorFilter failures,
    IHostEnvironment environment,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    IOptions<ChatHubOptions> options
) : Microsoft.AspNetCore.SignalR.Hub
{
    /// <summary>The hub's route.</summary>
    public const string Path = "/hubs/chat";

    /// <summary>Streams that one connection may have open.</summary>
    public const int WatchesPerConnection = 64;

    private string Caller => Context.UserIdentifier ?? throw new HubException("Sign in first.");

    /// <summary>
    /// A leaving gateway asks all its connections once to come back. Who comes back before the port is closed would hold the
    /// stop up to its limit: nobody asks again.
    /// </summary>
    public override Task OnConnectedAsync()
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            Context.Abort(); // Not a refusal, which a client does not repeat.
        return Task.CompletedTask;
    }

    /// <summary>Creates a conversation of the caller's.</summary>
    public Task<Conversation> CreateConversation(NewConversation? request = null) =>
        grains.GetGrain<IConversationGrain>(ConversationId.New()).Create(Caller, request ?? new NewConversation());

    /// <summary>Describes a conversation.</summary>
    public Task<Conversation> GetConversation(string id) => Reach(id, conversation => conversation.Get(Caller));

    /// <summary>The caller's conversations, last active first.</summary>
    public Task<ConversationPage> ListConversations(ConversationPageRequest? page = null) =>
        Reach(() => grains.GetGrain<IDirectoryGrain>(Caller).List(page?.After, Arguments.Take(page?.Take)));

    /// <summary>Changes title or sampling.</summary>
    public Task Configure(string id, ConversationChanges changes) =>
        Reach(id, conversation => conversation.Configure(Caller, Arguments.Required(changes, "changes")));

    /// <summary>Deletes a conversation.</summary>
    public Task Delete(string id) => Conversation(id).Delete(Caller);

    /// <summary>Says something; the reply comes to those who watch.</summary>
    public Task<Sent> Send(string id, string text, string clientMessageId) =>
        Reach(id, conversation => conversation.Send(Caller, Arguments.Message(text), Arguments.ClientMessageId(clientMessageId)));

    /// <summary>Events after a number, then those to come.</summary>
    public async IAsyncEnumerable<ConversationEvent> Watch(
        string id,
        long afterSeq = 0,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        using WatchCount counted = WatchCount.Add(Context);
        await using IAsyncEnumerator<ConversationEvent> events = feeds
            .Watch(id, Caller, afterSeq, cancellation)
            .GetAsyncEnumerator(cancellation);
        while (await failures.Translate(nameof(Watch), () => events.MoveNextAsync(), cancellation))
            yield return events.Current;
    }

    /// <summary>Turns, the latest page first.</summary>
    public Task<TurnPage> ReadTurns(string id, TurnPageRequest? page = null) =>
        Reach(id, conversation => conversation.ReadTurns(Caller, page?.Before, Arguments.Take(page?.Take)));

    /// <summary>Ends the running reply, or only that turn's.</summary>
    public Task Stop(string id, int? turn = null) =>
        turn is null
            ? Conversation(id).Stop(Caller, turn) // Said twice, it might end the next reply.
            : Reach(id, conversation => conversation.Stop(Caller, turn));

    /// <summary>What the conversation's attention sees; for development and administrators.</summary>
    public Task<CacheView> InspectCache(string id) =>
        environment.IsDevelopment() || options.Value.InspectCache
            ? Reach(id, conversation => conversation.InspectCache(Caller))
            : throw new HubException("The cache is not shown here: start the host with Streaming:InspectCache=true.");

    private IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(Arguments.ConversationId(id));

    private Task<T> Reach<T>(string id, Func<IConversationGrain, Task<T>> call) => Reach(() => call(Conversation(id)));

    private Task Reach(string id, Func<IConversationGrain, Task> call) =>
        Reach(
            id,
            async conversation =>
            {
                await call(conversation);
                return true;
            }
        );

    /// <summary>Calls that may be said twice outlive the silo that was called first.</summary>
    private Task<T> Reach<T>(Func<Task<T>> call) => ClusterRetry.WithinTimeoutAsync(call, time, Context.ConnectionAborted);

    /// <summary>One open stream of a connection.</summary>
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
