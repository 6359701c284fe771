using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Conversations;

/// <summary>Tokens that are stored and shown together, and what the worker said after them.</summary>
/// <param name="Tokens">In order; may be empty.</param>
/// <param name="Then">Another update that followed; null when the group was due.</param>
internal sealed record TokenGroup(IReadOnlyList<TokenDecoded> Tokens, DecodeUpdate? Then);

/// <summary>Collects a worker's updates into groups: one write for several tokens.</summary>
internal static class TokenGroups
{
    /// <summary>
    /// Groups of at most <paramref name="maxTokens"/>, the first token of each at most <paramref name="interval"/> old; an empty
    /// group when nothing came for <paramref name="heartbeat"/>. When the source fails or is cancelled, what had come is a last
    /// group before the exception.
    /// </summary>
    public static async IAsyncEnumerable<TokenGroup> InGroupsAsync(
        this IAsyncEnumerable<DecodeUpdate> source,
        int maxTokens,
        TimeSpan interval,
        TimeSpan heartbeat,
        TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        IAsyncEnumerator<DecodeUpdate> updates = source.GetAsyncEnumerator(ended.Token);
        Task<bool> next = updates.MoveNextAsync().AsTask();
        try
        {
            var tokens = new List<TokenDecoded>();
            long due = 0;
            ExceptionDispatchInfo? failure = null;
            while (true)
            {
                TimeSpan wait = tokens.Count == 0 ? heartbeat : time.GetElapsedTime(time.GetTimestamp(), due);
                if (!await CompletesWithinAsync(next, wait, time))
                {
                    yield return new TokenGroup(tokens, null);
                    tokens = [];
                    continue;
                }
                bool more = false;
                try
                {
                    more = await next;
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e); // Thrown below, after what had come.
                }
                if (!more)
                    break;

                DecodeUpdate update = updates.Current;
                next = updates.MoveNextAsync().AsTask();
                if (update is TokenDecoded token)
                {
                    if (tokens.Count == 0)
                        due = time.GetTimestamp() + (long)(interval.TotalSeconds * time.TimestampFrequency);
                    tokens.Add(token);
                    if (tokens.Count < maxTokens)
                        continue;
                }
                yield return new TokenGroup(tokens, update is TokenDecoded ? null : update);
                tokens = [];
            }
            if (tokens.Count > 0)
                yield return new TokenGroup(tokens, null);
            failure?.Throw();
        }
        finally
        {
            // Disposing alone does not reach a worker while a call is under way; the token does.
            await ended.CancelAsync();
            await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
            await updates.DisposeAsync();
        }
    }

    private static async Task<bool> CompletesWithinAsync(Task task, TimeSpan wait, TimeProvider time)
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
