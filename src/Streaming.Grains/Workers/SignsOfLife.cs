using System.Runtime.CompilerServices;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>Fills a worker's silence: reading the log, waiting in line and a long input take their time.</summary>
internal static class SignsOfLife
{
    /// <summary>
    /// The source's updates, and a <see cref="SignOfLife"/> whenever none came for <paramref name="interval"/>, unless
    /// <paramref name="isStuck"/>: then silence says it.
    /// </summary>
    public static async IAsyncEnumerable<DecodeUpdate> WithSignsOfLifeAsync(
        this IAsyncEnumerable<DecodeUpdate> source,
        TimeSpan interval,
        TimeProvider time,
        Func<bool> isStuck,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        IAsyncEnumerator<DecodeUpdate> updates = source.GetAsyncEnumerator(ended.Token);
        Task<bool> next = updates.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                if (!await next.CompletesWithinAsync(interval, time))
                {
                    if (!isStuck())
                        yield return new SignOfLife();
                    continue;
                }
                if (!await next)
                    yield break;
                yield return updates.Current;
                next = updates.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // An enumerator must not be disposed during a move; the token ends the move.
            await ended.CancelAsync();
            await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
            await updates.DisposeAsync();
        }
    }

    /// <summary>Whether a task completes within a time; it goes on if it does not.</summary>
    public static async Task<bool> CompletesWithinAsync(this Task task, TimeSpan wait, TimeProvider time)
    {
        if (task.IsCompleted)
            return true;
        if (wait <= TimeSpan.Zero)
            return false;
        using var awake = new CancellationTokenSource();
        await Task.WhenAny(task, Task.Delay(wait, time, awake.Token));
        await awake.CancelAsync();
        return task.IsCompleted;
    }
}
