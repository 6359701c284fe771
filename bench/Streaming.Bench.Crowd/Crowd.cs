using System.Collections.Concurrent;
using Streaming.Tooling;

namespace Streaming.Bench.Crowd;

/// <summary>One guest's connections, and streams of one conversation over them.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private const int StreamsPerConnection = 64;
    private readonly List<HubClient> _hubs = [];
    private readonly int _watchers;

    private Crowd(int watchers) => _watchers = watchers;

    /// <summary>The first connection.</summary>
    public HubClient First => _hubs[0];

    /// <summary>Connects as one new guest, often enough for a number of streams.</summary>
    public static async Task<Crowd> ConnectAsync(string url, int watchers, CancellationToken cancellation)
    {
        var crowd = new Crowd(watchers);
        string token = await HubClient.CreateGuestAsync(url, cancellation);
        for (int i = 0; i < watchers; i += StreamsPerConnection)
            crowd._hubs.Add(await HubClient.ConnectAsync(url, token, cancellation));
        return crowd;
    }

    /// <summary>Watches from a number until all have reached another, and checks that each number comes once and in order.</summary>
    /// <returns>Milliseconds between the time at which an event was made and its arrival, of each delivery.</returns>
    public async Task<double[]> WatchAsync(string id, long after, long until, CancellationToken cancellation)
    {
        var delays = new ConcurrentBag<double>();
        await Task.WhenAll(Enumerable.Range(0, _watchers).Select(i => FollowAsync(_hubs[i / StreamsPerConnection])));
        return [.. delays];

        async Task FollowAsync(HubClient hub)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            long place = after;
            try
            {
                await foreach (EventView next in hub.WatchAsync(id, after, leaving.Token))
                {
                    if (next.Seq is not { } seq)
                        continue;
                    if ((next.First ?? seq) != place + 1)
                        throw new ToolException($"A watcher got number {next.First ?? seq} after {place}.");
                    delays.Add((TimeProvider.System.GetUtcNow() - next.At).TotalMilliseconds);
                    place = seq;
                    if (place >= until)
                        break;
                }
            }
            finally
            {
                await leaving.CancelAsync(); // Leaving the loop does not tell the host.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HubClient hub in _hubs)
            await hub.DisposeAsync();
    }
}
