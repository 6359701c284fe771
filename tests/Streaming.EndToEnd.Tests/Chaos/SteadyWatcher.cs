using System.Collections.Concurrent;
using System.Diagnostics;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Chaos;

/// <summary>
/// Watches a conversation through all that happens: when its gateway is gone it goes to the next one, as behind a balancer. What
/// it sees must follow without a gap and without a repetition, or it ends with that.
/// </summary>
internal sealed class SteadyWatcher : IAsyncDisposable
{
    private readonly CancellationTokenSource _leaving = new();
    private readonly Watcher _watcher;
    private readonly Stopwatch _clock;

    /// <summary>What arrived when, and whether more was to come after it.</summary>
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

    /// <summary>Completes when a turn's end was seen.</summary>
    public Task FinishedAsync(int turn) =>
        _watching.IsFaulted ? _watching : Turn(turn).Task.WaitAsync(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);

    /// <summary>What was seen of a turn.</summary>
    public string TextOf(int turn) => _watcher.TextOf(turn);

    /// <summary>A message is on its way: from here on an event is waited for.</summary>
    public void Asked() => _arrivals.Enqueue((_clock.Elapsed, true));

    /// <summary>
    /// The longest time that an event was waited for between two moments, the one that reaches into them from before included;
    /// nothing is waited for between a reply and the next message.
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
        await _leaving.CancelAsync();
        await _watching.WaitAsync(TimeSpan.FromSeconds(30));
        _leaving.Dispose();
    }

    private async Task WatchAsync(string[] gateways, int first, string token)
    {
        for (int attempt = first; !_leaving.IsCancellationRequested; attempt++)
        {
            try
            {
                await using ChatClient client = await ChatClient.ConnectAsync(gateways[attempt % gateways.Length], token);
                await _watcher.UntilAsync(client, Take, TimeSpan.FromHours(2), _leaving.Token);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                // The gateway is gone, or has nobody behind it: the next one.
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
