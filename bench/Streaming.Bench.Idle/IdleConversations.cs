using System.Collections.Concurrent;
using System.Diagnostics;
using Streaming.Tooling;

namespace Streaming.Bench.Idle;

/// <summary>Guests of a host, each with a connection and conversations of its own.</summary>
internal sealed class IdleConversations : IAsyncDisposable
{
    /// <summary>Number of guests, which is also the number of requests at a time.</summary>
    public const int Guests = 16;

    private static readonly TimeSpan ReplyLimit = TimeSpan.FromMinutes(10),
        PollInterval = TimeSpan.FromMilliseconds(20);
    private readonly string?[] _tokens = new string?[Guests];
    private readonly HubClient?[] _hubs = new HubClient?[Guests];
    private readonly ConcurrentBag<(int Guest, string Id)> _conversations = [];

    /// <summary>Connects all guests; creates them the first time.</summary>
    public async Task ConnectAsync(string url, CancellationToken cancellation)
    {
        for (int guest = 0; guest < Guests; guest++)
        {
            string token = _tokens[guest] ??= await HubClient.CreateGuestAsync(url, cancellation);
            if (_hubs[guest] is { } before)
                await before.DisposeAsync();
            _hubs[guest] = await HubClient.ConnectAsync(url, token, cancellation);
        }
    }

    /// <summary>Creates conversations, sends a message to each, and waits until all have had a reply of a few tokens.</summary>
    public Task CreateAsync(int count, CancellationToken cancellation) =>
        EachAsync(
            Enumerable.Range(0, count).Select(i => (i % Guests, "")),
            async (guest, _) =>
            {
                HubClient hub = _hubs[guest]!;
                string id = (await hub.CreateAsync(new { sampling = new { maxTokens = 4 } }, cancellation)).Id;
                await hub.SendAsync(id, "Good morning!", cancellation);
                long clock = Stopwatch.GetTimestamp();
                while ((await hub.GetAsync(id, cancellation)).Running is not null)
                {
                    if (Stopwatch.GetElapsedTime(clock) > ReplyLimit)
                        throw new ToolException($"A reply did not end within {ReplyLimit}.");
                    await Task.Delay(PollInterval, TimeProvider.System, cancellation);
                }
                _conversations.Add((guest, id));
            }
        );

    /// <summary>Requests the first conversations, each once, by all guests at a time.</summary>
    /// <returns>Milliseconds of each answer.</returns>
    public async Task<double[]> GetEachAsync(int count, CancellationToken cancellation)
    {
        var times = new ConcurrentBag<double>();
        await EachAsync(
            InOrder().Take(count),
            async (guest, id) =>
            {
                long clock = Stopwatch.GetTimestamp();
                await _hubs[guest]!.GetAsync(id, cancellation);
                times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }
        );
        return [.. times];
    }

    /// <summary>Requests random ones of the first conversations, one after another.</summary>
    /// <returns>Milliseconds of each answer.</returns>
    public async Task<double[]> GetRandomAsync(int requests, int count, CancellationToken cancellation)
    {
        (int Guest, string Id)[] all = [.. InOrder().Take(count)];
        var random = new Random(1);
        double[] times = new double[requests];
        for (int i = 0; i < requests; i++)
        {
            (int guest, string id) = all[random.Next(all.Length)];
            long clock = Stopwatch.GetTimestamp();
            await _hubs[guest]!.GetAsync(id, cancellation);
            times[i] = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        }
        return times;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HubClient hub in _hubs.OfType<HubClient>())
            await hub.DisposeAsync();
    }

    private IEnumerable<(int Guest, string Id)> InOrder() => _conversations.OrderBy(c => c.Id, StringComparer.Ordinal);

    private static Task EachAsync(IEnumerable<(int Guest, string Id)> conversations, Func<int, string, Task> act) =>
        Parallel.ForEachAsync(
            conversations,
            new ParallelOptions { MaxDegreeOfParallelism = Guests },
            async (c, _) => await act(c.Guest, c.Id)
        );
}
