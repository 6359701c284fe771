using System.Diagnostics;

namespace Streaming.Bench.Peers.Measuring;

/// <summary>A guest with many conversations at a host, each of which is watched while its endless reply runs.</summary>
internal sealed class ServedConversations : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);
    private readonly HubClient _hub;
    private readonly string[] _ids;
    private readonly long[] _seq; // the last number that each watcher has seen; each token has one

    private ServedConversations(HubClient hub, string[] ids)
    {
        _hub = hub;
        _ids = ids;
        _seq = new long[ids.Length];
    }

    /// <summary>Creates the conversations.</summary>
    public static async Task<ServedConversations> CreateAsync(string url, int count, CancellationToken cancellation)
    {
        string token = await HubClient.CreateGuestAsync(url, cancellation);
        HubClient hub = await HubClient.ConnectAsync(url, token, cancellation);
        string[] ids = new string[count];
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
            ids[i] = (await hub.CreateAsync(new { sampling }, cancellation)).Id;
        }
        return new ServedConversations(hub, ids);
    }

    /// <summary>Sends a message to every conversation, and counts what the watchers see once every reply has begun.</summary>
    /// <returns>Tokens per second of all conversations together.</returns>
    /// <exception cref="InvalidOperationException">A reply ended too early, or a window was not full.</exception>
    public async Task<double> MeasureAsync(string message, TimeSpan time, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        over.CancelAfter(Limit);
        using var started = new CountdownEvent(_ids.Length);
        var allStarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (string id in _ids)
            await _hub.SendAsync(id, message, over.Token);
        Task[] watchers = [.. Enumerable.Range(0, _ids.Length).Select(WatchAsync)];
        await await Task.WhenAny([allStarted.Task, .. watchers]).WaitAsync(over.Token);
        if (!allStarted.Task.IsCompleted)
            throw new InvalidOperationException("A reply ended before all had begun.");

        // Tokens that were generated while other replies were still in their prefill arrive first.
        await Task.Delay(time / 4, TimeProvider.System, over.Token);
        long from = Sum(),
            clock = Stopwatch.GetTimestamp();
        await Task.Delay(time, TimeProvider.System, over.Token);
        double rate = (Sum() - from) / Stopwatch.GetElapsedTime(clock).TotalSeconds;
        foreach (string id in _ids)
        {
            if ((await _hub.GetAsync(id, over.Token)).Forgotten == 0)
                throw new InvalidOperationException("The window of a conversation was not full: the message was too short.");
            await _hub.StopAsync(id, over.Token);
        }
        await Task.WhenAll(watchers);
        return rate;

        async Task WatchAsync(int index)
        {
            bool first = true;
            using var watching = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
            await foreach (EventView e in _hub.WatchAsync(_ids[index], Volatile.Read(ref _seq[index]), watching.Token))
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
            await watching.CancelAsync(); // leaving the loop does not tell the host
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
