using System.Net.Http.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Streaming.Bench.Paper.Endurance.Served;

// What the hub's contract says, as a program of anybody would write it down.

internal sealed record GuestToken(string Token);

internal sealed record ConversationView(string Id, int Window, int Fixed);

internal sealed record EventView(long? Seq, long? First, string Kind, DateTimeOffset At, string? FinishReason);

/// <summary>A guest with a connection to one host's hub.</summary>
internal sealed class HubClient : IAsyncDisposable
{
    private readonly HubConnection _hub;

    private HubClient(HubConnection hub) => _hub = hub;

    /// <summary>The token of a new guest.</summary>
    public static async Task<string> GuestAsync(string url, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.PostAsync(url + "/auth/guest", null, cancellation);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<GuestToken>(cancellation))!.Token;
    }

    public static async Task<HubClient> ConnectAsync(string url, string token, CancellationToken cancellation)
    {
        HubConnection hub = new HubConnectionBuilder()
            .WithUrl(url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .Build();
        await hub.StartAsync(cancellation);
        return new HubClient(hub);
    }

    public Task<ConversationView> CreateAsync(object request, CancellationToken cancellation) =>
        _hub.InvokeAsync<ConversationView>("CreateConversation", request, cancellation);

    public Task SendAsync(string id, string text, CancellationToken cancellation) =>
        _hub.InvokeAsync("Send", id, text, Guid.NewGuid().ToString(), cancellation);

    public Task StopAsync(string id, CancellationToken cancellation) => _hub.InvokeAsync("Stop", id, null, cancellation);

    public IAsyncEnumerable<EventView> WatchAsync(string id, long afterSeq, CancellationToken cancellation) =>
        _hub.StreamAsync<EventView>("Watch", id, afterSeq, cancellation);

    public ValueTask DisposeAsync() => _hub.DisposeAsync();
}
