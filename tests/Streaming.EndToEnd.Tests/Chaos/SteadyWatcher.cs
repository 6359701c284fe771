using System.Collections.Concurrent;
using System.Diagnostics;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>
/// Watches a conversation over all faults: when its gateway is gone it connects to the next one, as behind a load balancer. It fails at
/// a gap or a repetition of numbers.
/// </summary>
internal sealed class SteadyWatcher : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Watcher _watcher;
    private readonly Stopwatch _clock;

    /// <summary>Times of arrivals, and whether another event was expected after each.</summary>
    private readonly ConcurrentQueue<(TimeSpan At, bool IsMoreToCome)> _arrivals = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _finished = new();
    private readonly Task _watching;

    public SteadyWatcher(string conversationId, string[] gateways, int first, string token, Stopwatch clock)
    {
        _watcher = new Watcher(conversationId);
        _clock = clock;
        _watching = Task.Run(() => WatchAsync(gateways, first, token));
        _watching.ContinueWith(
            failed =>
            {
                foreach (TaskCompletionSource turn in _finished.Values)
                    turn.TrySetException(failed.Exception!.InnerExceptions);
            },
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default
        );
    }

    /// <summary>The last number seen.</summary>
    public long LastSeq => _watcher.LastSeq;

    /// <summary>Completes when the end of a turn was seen.</summary>
    public Task FinishedAsync(int turn) =>
        _watching.IsFaulted ? _watching : Turn(turn).Task.WaitAsync(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);

    /// <summary>The text of a turn that was seen.</summary>
    public string TextOf(int turn) => _watcher.TextOf(turn);

    /// <summary>Tells that a message is sent, so an event is expected from now on.</summary>
    public void ExpectEvent() => _arrivals.Enqueue((_clock.Elapsed, true));

    /// <summary>
    /// The longest wait for an event between two moments, including a wait that began before them. Between a reply and the next message
    /// no event is expected.
    /// </summary>
    public (TimeSpan Length, TimeSpan Since) LongestPause(TimeSpan from, TimeSpan to)
    {
        (TimeSpan Length, TimeSpan Since) longest = default;
        (TimeSpan At, bool IsMoreToCome) last = default;
        foreach ((TimeSpan At, bool IsMoreToCome) arrival in _arrivals.Append((to, false)))
        {
            if (last.IsMoreToCome && arrival.At > from && last.At < to && arrival.At - last.At > longest.Length)
                longest = (arrival.At - last.At, last.At);
            last = arrival;
        }
        return longest;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching.WaitAsync(TimeSpan.FromSeconds(30));
        _stopping.Dispose();
    }

    private async Task WatchAsync(string[] gateways, int first, string token)
    {
        for (int attempt = first; !_stopping.IsCancellationRequested; attempt++)
        {
            try
            {
                await using ChatClient client = await ChatClient.ConnectAsync(gateways[attempt % gateways.Length], token);
                await _watcher.UntilAsync(client, Take, TimeSpan.FromHours(2), _stopping.Token);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                // The gateway is gone or has no silo: use the next one.
            }
        }
    }

    private bool Take(EventView e)
    {
        if (e.Seq is null)
            return false;
        _arrivals.Enqueue((_clock.Elapsed, e.Kind != "finished"));
        if (e.Kind == "finished")
            Turn(e.Turn).TrySetResult();
        return false;
    }

    private TaskCompletionSource Turn(int turn) =>
        _finished.GetOrAdd(turn, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
