using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Streaming.EndToEnd.Tests.Clients;

// The hub's contract, declared again: with shared types the tests would not notice a renamed property.

internal sealed record GuestToken(string Token, DateTimeOffset ExpiresAt);

internal sealed record ConversationView(
    string Id,
    string? Title,
    long LastSeq,
    int? Running,
    long Position,
    int Branch,
    int Sinks,
    int Window,
    int Fixed,
    long Forgotten
);

internal sealed record SentView(int Turn, long Seq);

internal sealed record TurnView(int Turn, string? Author, string Text, long From, long Seq, string? FinishReason);

internal sealed record TurnsView(List<TurnView> Items, long? Next);

internal sealed record CacheIds(long Position, int Branch, List<int> FixedIds, List<int> WindowIds);

internal sealed record EventView(
    long? Seq,
    long? First,
    string Kind,
    int Turn,
    string? Author,
    string? Text,
    string? FinishReason,
    long? GeneratedTokens,
    int? Place
)
{
    public long FirstSeq => First ?? Seq ?? 0;
}

/// <summary>A guest with a connection to the hub of one host.</summary>
internal sealed class ChatClient : IAsyncDisposable
{
    private readonly HubConnection _hub;

    private ChatClient(HubConnection hub, string token)
    {
        _hub = hub;
        Token = token;
    }

    public string Token { get; }

    /// <summary>Connects as a new guest, or as the guest of a token.</summary>
    public static async Task<ChatClient> ConnectAsync(string url, string? token = null)
    {
        token ??= await GuestAsync(url);
        HubConnection hub = new HubConnectionBuilder()
            .WithUrl(url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
            .Build();
        hub.HandshakeTimeout = TimeSpan.FromSeconds(30);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (!await TryStartAsync(hub, limit.Token)) // a gateway whose silo has just died refuses, and a browser retries
            await again.WaitForNextTickAsync(limit.Token);
        return new ChatClient(hub, token);
    }

    private static async Task<bool> TryStartAsync(HubConnection hub, CancellationToken cancellation)
    {
        try
        {
            await hub.StartAsync(cancellation);
            return true;
        }
        catch (HttpRequestException refusal) when (refusal.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }

    public static async Task<string> GuestAsync(string url)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.PostAsync(url + "/auth/guest", null, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<GuestToken>(TestContext.Current.CancellationToken))!.Token;
    }

    public Task<ConversationView> CreateAsync(object request) => _hub.InvokeAsync<ConversationView>("CreateConversation", request);

    public Task ConfigureAsync(string id, object changes) => _hub.InvokeAsync("Configure", id, changes);

    public Task<ConversationView> GetAsync(string id) => _hub.InvokeAsync<ConversationView>("GetConversation", id);

    public Task<SentView> SendAsync(string id, string text, string? clientMessageId = null) =>
        _hub.InvokeAsync<SentView>("Send", id, text, clientMessageId ?? Guid.NewGuid().ToString());

    public Task StopAsync(string id, int? turn = null) => _hub.InvokeAsync("Stop", id, turn);

    public Task DeleteAsync(string id) => _hub.InvokeAsync("Delete", id);

    public Task<CacheIds> InspectCacheAsync(string id) => _hub.InvokeAsync<CacheIds>("InspectCache", id);

    public Task<TurnsView> ReadTurnsAsync(string id, long? before = null, int? take = null) =>
        _hub.InvokeAsync<TurnsView>("ReadTurns", id, new { before, take });

    public IAsyncEnumerable<EventView> WatchAsync(string id, long afterSeq, CancellationToken cancellation) =>
        _hub.StreamAsync<EventView>("Watch", id, afterSeq, cancellation);

    /// <summary>A conversation as the hub describes it.</summary>
    public Task<JsonElement> GetJsonAsync(string id) => _hub.InvokeAsync<JsonElement>("GetConversation", id);

    /// <summary>Events as the hub sends them.</summary>
    public IAsyncEnumerable<JsonElement> WatchJsonAsync(string id, long afterSeq, CancellationToken cancellation) =>
        _hub.StreamAsync<JsonElement>("Watch", id, afterSeq, cancellation);

    /// <summary>The whole text of a turn, from the stored pages.</summary>
    public async Task<string> ReadTurnTextAsync(string id, int turn)
    {
        var pieces = new List<TurnView>();
        long? before = null;
        do
        {
            TurnsView page = await ReadTurnsAsync(id, before);
            pieces.InsertRange(0, page.Items.Where(i => i.Turn == turn));
            before = page.Next;
        } while (before is not null);
        string text = "";
        foreach (TurnView piece in pieces)
        {
            Assert.Equal(text.Length, piece.From);
            text += piece.Text;
        }
        return text;
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();
}
