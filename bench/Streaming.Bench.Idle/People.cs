using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.SignalR.Client;
using Streaming.Bench.Paper;
using Streaming.Bench.Paper.Endurance.Served;

namespace Streaming.Bench.Idle;

/// <summary>Guests of a host, each with a connection and conversations of their own.</summary>
internal sealed class People : IAsyncDisposable
{
    private const int Guests = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly string[] _tokens = new string[Guests];
    private readonly HubConnection?[] _hubs = new HubConnection?[Guests];
    private readonly ConcurrentBag<(int Guest, string Id)> _conversations = [];

    private sealed record Described(string Id, int? Running);

    /// <summary>Signs everybody in, at the first host, and connects them.</summary>
    public async Task ConnectAsync(string url, CancellationToken cancellation)
    {
        for (int guest = 0; guest < Guests; guest++)
        {
            string token = _tokens[guest] ??= await HubClient.GuestAsync(url, cancellation);
            if (_hubs[guest] is { } before)
                await before.DisposeAsync();
            _hubs[guest] = new HubConnectionBuilder()
                .WithUrl(url + "/hubs/chat", o => o.AccessTokenProvider = () => Task.FromResult<string?>(token))
                .Build();
            await _hubs[guest]!.StartAsync(cancellation);
        }
    }

    /// <summary>Creates conversations, says something in each, and waits until all have been answered with a few tokens.</summary>
    public async Task TalkAsync(int count, CancellationToken cancellation)
    {
        await EachAsync(
            Enumerable.Range(0, count).Select(i => (i % Guests, "")),
            async (guest, _) =>
            {
                Described created = await _hubs[guest]!.InvokeAsync<Described>(
                    "CreateConversation",
                    new { sampling = new { maxTokens = 4 } },
                    cancellation
                );
                await _hubs[guest]!.InvokeAsync("Send", created.Id, "Good morning!", "1", cancellation);
                long clock = Stopwatch.GetTimestamp();
                while ((await DescribeAsync(guest, created.Id, cancellation)).Running is not null)
                {
                    if (Stopwatch.GetElapsedTime(clock) > Patience)
                        throw new MeasurementException($"A reply did not end within {Patience}.");
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
                }
                _conversations.Add((guest, created.Id));
            }
        );
    }

    /// <summary>Asks for so many conversations, each once, as many as there are at most.</summary>
    /// <returns>Milliseconds of each answer, ascending.</returns>
    public async Task<double[]> AskOnceAsync(int count, CancellationToken cancellation)
    {
        var times = new ConcurrentBag<double>();
        await EachAsync(
            InOrder().Take(count),
            async (guest, id) =>
            {
                long clock = Stopwatch.GetTimestamp();
                await DescribeAsync(guest, id, cancellation);
                times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }
        );
        return [.. times.Order()];
    }

    /// <summary>Asks one question after the other, of any of the first conversations.</summary>
    /// <returns>Milliseconds of each answer, ascending.</returns>
    public async Task<double[]> AskInTurnAsync(int count, int first, CancellationToken cancellation)
    {
        (int Guest, string Id)[] all = [.. InOrder().Take(first)];
        var random = new Random(1);
        var times = new double[count];
        for (int i = 0; i < count; i++)
        {
            (int guest, string id) = all[random.Next(all.Length)];
            long clock = Stopwatch.GetTimestamp();
            await DescribeAsync(guest, id, cancellation);
            times[i] = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        }
        Array.Sort(times);
        return times;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HubConnection? hub in _hubs)
        {
            if (hub is not null)
                await hub.DisposeAsync();
        }
    }

    private IEnumerable<(int Guest, string Id)> InOrder() => _conversations.OrderBy(c => c.Id, StringComparer.Ordinal);

    private Task<Described> DescribeAsync(int guest, string id, CancellationToken cancellation) =>
        _hubs[guest]!.InvokeAsync<Described>("GetConversation", id, cancellation);

    private static Task EachAsync(IEnumerable<(int Guest, string Id)> conversations, Func<int, string, Task> act) =>
        Parallel.ForEachAsync(
            conversations,
            new ParallelOptions { MaxDegreeOfParallelism = Guests },
            async (c, _) => await act(c.Guest, c.Id)
        );
}
