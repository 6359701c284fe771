using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.AspNetCore.SignalR.Client;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A person's program with many conversations at a host, each of which watches its endless reply.</summary>
internal sealed class ServedConversations : IAsyncDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(10);
    private readonly HubConnection _hub;
    private readonly string[] _ids;
    private readonly long[] _seq; // the last number that each has seen: one for each token

    private sealed record Guest(string Token);

    private sealed record Conversation(string Id, long Forgotten);

    private sealed record Event(long? Seq, string Kind);

    private ServedConversations(HubConnection hub, string[] ids)
    {
        _hub = hub;
        _ids = ids;
        _seq = new long[ids.Length];
    }

    /// <summary>Creates the conversations.</summary>
    public static async Task<ServedConversations> CreateAsync(string url, int count, CancellationToken cancellation)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.PostAsync(url + "/auth/guest", null, cancellation);
        Guest guest =
            await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Guest>(cancellation)
            ?? throw new InvalidDataException("The host gave no token.");
        HubConnection hub = new HubConnectionBuilder()
            .WithUrl(url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(guest.Token))
            .Build();
        await hub.StartAsync(cancellation);
        var ids = new string[count];
        for (int i = 0; i < count; i++)
        {
            object sampling = new
            {
                temperature = 0.7,
                topP = 0.9,
                seed = i,
                maxTokens = 0,
                ignoreEos = true,
            };
            ids[i] = (await hub.InvokeAsync<Conversation>("CreateConversation", new { sampling }, cancellation)).Id;
        }
        return new ServedConversations(hub, ids);
    }

    /// <summary>Sends a message to every conversation, and counts what arrives once all of them are being answered.</summary>
    /// <returns>Tokens per second in all.</returns>
    /// <exception cref="InvalidOperationException">A window was not full.</exception>
    public async Task<double> MeasureAsync(string message, TimeSpan time, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        over.CancelAfter(LongestWait);
        using var started = new CountdownEvent(_ids.Length);
        var allStarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (string id in _ids)
            await _hub.InvokeAsync("Send", id, message, Guid.NewGuid().ToString(), over.Token);
        Task[] watchers = [.. Enumerable.Range(0, _ids.Length).Select(WatchAsync)];
        await await Task.WhenAny([allStarted.Task, .. watchers]).WaitAsync(over.Token);
        if (!allStarted.Task.IsCompleted)
            throw new InvalidOperationException("A reply ended before all had begun.");

        await Task.Delay(time / 4, TimeProvider.System, over.Token); // what had piled up while some were still reading has arrived
        long from = Sum(),
            clock = Stopwatch.GetTimestamp();
        await Task.Delay(time, TimeProvider.System, over.Token);
        double rate = (Sum() - from) / Stopwatch.GetElapsedTime(clock).TotalSeconds;
        foreach (string id in _ids)
        {
            if ((await _hub.InvokeAsync<Conversation>("GetConversation", id, over.Token)).Forgotten == 0)
                throw new InvalidOperationException("A conversation's window was not full: the message was too short.");
            await _hub.InvokeAsync("Stop", id, (int?)null, over.Token);
        }
        await Task.WhenAll(watchers);
        return rate;

        async Task WatchAsync(int index)
        {
            bool first = true;
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
            await foreach (Event e in _hub.StreamAsync<Event>("Watch", _ids[index], Volatile.Read(ref _seq[index]), watching.Token))
            {
                if (e.Seq is { } seq)
                    Volatile.Write(ref _seq[index], seq);
                if (e.Kind == "delta" && first)
                {
                    first = false;
                    if (started.Signal())
                        allStarted.SetResult();
                }
                if (e.Kind == "finished")
                    break;
            }
            await watching.CancelAsync(); // leaving the loop alone does not tell the host
        }
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    private long Sum()
    {
        long sum = 0;
        for (int i = 0; i < _seq.Length; i++)
            sum += Volatile.Read(ref _seq[i]);
        return sum;
    }
}
