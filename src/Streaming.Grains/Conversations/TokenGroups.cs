using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Streaming.Contracts.Workers;
using Streaming.Grains.Workers;

namespace Streaming.Grains.Conversations;

/// <summary>Tokens that are stored and shown together, and what the worker said after them.</summary>
/// <param name="Tokens">In order; may be empty.</param>
/// <param name="Then">Another update that followed; null when the group was due.</param>
internal sealed record TokenGroup(IReadOnlyList<TokenDecoded> Tokens, DecodeUpdate? Then);

/// <summary>Collects a worker's updates into groups: one write for several tokens.</summary>
internal static class TokenGroups
{
    /// <summary>
    /// Groups of at most <paramref name="maxTokens"/>, the first token of each at most <paramref name="interval"/> old; the very first waits
    /// for nothing, since somebody waits for it. When the source fails or is cancelled, what had come is a last group before the exception.
    /// </summary>
    /// <exception cref="TimeoutException">Nothing came for <paramref name="silence"/>; the source is left to end by itself.</exception>
    public static async IAsyncEnumerable<TokenGroup> InGroupsAsync(
        this IAsyncEnumerable<DecodeUpdate> source,
        int maxTokens,
        TimeSpan interval,
        TimeSpan silence,
        TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        IAsyncEnumerator<DecodeUpdate> updates = source.GetAsyncEnumerator(ended.Token);
        Task<bool> next = updates.MoveNextAsync().AsTask();
        bool isSilent = false,
            isFirst = true;
        try
        {
            var tokens = new List<TokenDecoded>();
            long due = 0;
            ExceptionDispatchInfo? failure = null;
            while (true)
            {
                TimeSpan wait = tokens.Count == 0 ? silence : time.GetElapsedTime(time.GetTimestamp(), due);
                if (!await next.CompletesWithinAsync(wait, time))
                {
                    isSilent = tokens.Count == 0;
                    if (isSilent)
                        throw new TimeoutException($"The worker gave no sign of life for {silence.TotalSeconds:0} s.");
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
                        due = time.GetTimestamp() + (isFirst ? 0 : (long)(interval.TotalSeconds * time.TimestampFrequency));
                    isFirst = false;
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
            // Disposing alone does not reach a worker while a call is under way; the token does. A worker that is frozen answers
            // neither: nobody waits for it, and its calls end with the limit that every call has.
            await ended.CancelAsync();
            Task closing = CloseAsync(next, updates);
            if (!isSilent)
                await closing;
        }
    }

    private static async Task CloseAsync(Task next, IAsyncEnumerator<DecodeUpdate> updates)
    {
        await next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        try
        {
            await updates.DisposeAsync();
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or OperationCanceledException)
        {
            // A worker that cannot be reached holds nothing for a reader that has left.
        }
    }
}
