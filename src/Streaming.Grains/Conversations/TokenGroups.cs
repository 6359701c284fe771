using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Streaming.Contracts.Workers;

namespace Streaming.Grains.Conversations;

/// <summary>Tokens that are stored and shown together, and the update that followed them.</summary>
/// <param name="Tokens">In order; may be empty.</param>
/// <param name="Update">Another update that ended the group; null when the group was full or due.</param>
internal sealed record TokenGroup(IReadOnlyList<TokenDecoded> Tokens, DecodeUpdate? Update);

/// <summary>When a group ends.</summary>
/// <param name="Tokens">Tokens of a group at most.</param>
/// <param name="Interval">How long the first token of a group waits for more.</param>
/// <param name="Silence">How long a worker may be silent.</param>
internal sealed record GroupLimits(int Tokens, TimeSpan Interval, TimeSpan Silence);

/// <summary>Collects a worker's updates into groups: one write for several tokens.</summary>
internal static class TokenGroups
{
    /// <summary>
    /// Groups within the limits; the very first token does not wait for more, since a user waits for it. When the source fails or is
    /// cancelled, the tokens before come as a last group before the exception.
    /// </summary>
    /// <exception cref="TimeoutException">The worker was silent for too long; its stream is left to end by itself.</exception>
    public static async IAsyncEnumerable<TokenGroup> InGroupsAsync(
        this IAsyncEnumerable<DecodeUpdate> source,
        GroupLimits limits,
        TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await using var stream = new DecodeStream(source, time, cancellation);
        ExceptionDispatchInfo? failure = null;
        List<TokenDecoded> tokens = [];
        long due = 0;
        bool isFirst = true;
        while (true)
        {
            TimeSpan wait = tokens.Count == 0 ? limits.Silence : time.GetElapsedTime(time.GetTimestamp(), due);
            if (!await stream.IsReadyWithinAsync(wait))
            {
                if (tokens.Count == 0)
                {
                    stream.Abandon();
                    throw new TimeoutException($"The worker sent no heartbeat for {limits.Silence.TotalSeconds:0} s.");
                }
                yield return new TokenGroup(tokens, null);
                tokens = [];
                continue;
            }
            DecodeUpdate? update = null;
            try
            {
                update = await stream.ReadAsync();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e); // Thrown below, after the last group.
            }
            if (update is null)
                break;
            if (update is TokenDecoded token)
            {
                if (tokens.Count == 0)
                    due = time.GetTimestamp() + (isFirst ? 0 : (long)(limits.Interval.TotalSeconds * time.TimestampFrequency));
                isFirst = false;
                tokens.Add(token);
                if (tokens.Count < limits.Tokens)
                    continue;
            }
            yield return new TokenGroup(tokens, update is TokenDecoded ? null : update);
            tokens = [];
        }
        if (tokens.Count > 0)
            yield return new TokenGroup(tokens, null);
        failure?.Throw();
    }
}
