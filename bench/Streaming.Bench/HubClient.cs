using System.Net.Http.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Streaming.Bench;

/// <summary>A conversation, as the hub describes it: the properties that benchmarks need.</summary>
public sealed record ConversationView(string Id, int Window, int Fixed, long Forgotten, int? Running);

/// <summary>An event of a conversation, likewise.</summary>
public sealed record EventView(long? Seq, long? First, string Kind, DateTimeOffset At, string? FinishReason);

/// <summary>A guest with a connection to a host's hub.</summary>
public sealed class HubClient : IAsyncDisposable
{
    private readonly HubConnection _hub;

    private sealed record Guest(string Token);

    private HubClient(HubConnection hub) => _hub = hub;

    /// <summary>Creates a guest; returns the token.</summary>
    public static async Task<string> CreateGuestAsync(string url, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.PostAsync(url + "/auth/guest", null, cancellation);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<Guest>(cancellation))!.Token;
    }

    /// <summary>Connects a guest.</summary>
    public static async Task<HubClient> ConnectAsync(string url, string token, CancellationToken cancellation)
    {
        HubConnection hub = new HubConnectionBuilder()
            .WithUrl(url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .Build();
        await hub.StartAsync(cancellation);
        return new HubClient(hub);
    }

    /// <summary>Creates a conversation.</summary>
    public Task<ConversationView> CreateAsync(object request, CancellationToken cancellation) =>
        _hub.InvokeAsync<ConversationView>("CreateConversation", request, cancellation);

    /// <summary>Reads a conversation's description.</summary>
    public Task<ConversationView> GetAsync(string id, CancellationToken cancellation) =>
        _hub.InvokeAsync<ConversationView>("GetConversation", id, cancellation);

    /// <summary>Sends a message.</summary>
    public Task SendAsync(string id, string text, CancellationToken cancellation) =>
        _hub.InvokeAsync("Send", id, text, Guid.NewGuid().ToString(), cancellation);

    /// <summary>Ends the running reply.</summary>
    public Task StopAsync(string id, CancellationToken cancellation) => _hub.InvokeAsync("Stop", id, null, cancellation);

    /// <summary>The events after a number. Cancel the token to end the stream: leaving a loop over it does not tell the host.</summary>
    public IAsyncEnumerable<EventView> WatchAsync(string id, long afterSeq, CancellationToken cancellation) =>
        _hub.StreamAsync<EventView>("Watch", id, afterSeq, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _hub.DisposeAsync();
}
