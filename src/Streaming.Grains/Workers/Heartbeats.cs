using System.Runtime.CompilerServices;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Workers;

/// <summary>Sends heartbeats while a worker has nothing else to send: reading the log, the queue and a long prefill take time.</summary>
internal static class Heartbeats
{
    /// <summary>
    /// The source's updates, and a <see cref="Heartbeat"/> whenever none came for <paramref name="interval"/>, unless
    /// <paramref name="isHung"/>: a worker whose device is hung must fall silent.
    /// </summary>
    public static async IAsyncEnumerable<DecodeUpdate> WithHeartbeatsAsync(
        this IAsyncEnumerable<DecodeUpdate> source,
        TimeSpan interval,
        TimeProvider time,
        Func<bool> isHung,
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
                    if (!isHung())
                        yield return new Heartbeat();
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
}
