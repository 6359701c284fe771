using Streaming.Contracts;

namespace Streaming.Gateway.Watching;

/// <summary>Calls to a cluster that may be away for a while.</summary>
internal static class ClusterRetry
{
    /// <summary>How long one call may take before it counts as failed.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(4);

    /// <summary>How long a person's call is tried again before it fails: a silo that is gone is replaced by then.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(12);

    /// <summary>The pause after a first failure; it doubles up to <see cref="LongestDelay"/>.</summary>
    public static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause between two attempts.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Calls until an answer comes; only the caller's leaving ends the attempts. A refusal is an answer, unless it says
    /// <see cref="Refusal.Unavailable"/>.
    /// </summary>
    public static async Task<T> UntilAnsweredAsync<T>(
        Func<Task<T>> call,
        TimeProvider time,
        CancellationToken cancellation,
        Action<Exception> reportOutage
    )
    {
        for (TimeSpan pause = FirstDelay; ; pause = Min(pause * 2, LongestDelay))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await call().WaitAsync(AttemptTimeout, time, cancellation);
            }
            catch (RequestRefusedException refused) when (refused.Refusal != Refusal.Unavailable)
            {
                throw;
            }
            catch (Exception exception) when (!cancellation.IsCancellationRequested)
            {
                if (pause == FirstDelay)
                    reportOutage(exception);
            }
            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>
    /// Calls while nobody is reached, until <see cref="CallTimeout"/> is over; for what may be said twice. Any failure of the
    /// callee's own is an answer.
    /// </summary>
    public static async Task<T> WithinTimeoutAsync<T>(Func<Task<T>> call, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        for (TimeSpan pause = FirstDelay; ; pause = Min(pause * 2, LongestDelay))
        {
            try
            {
                return await call().WaitAsync(AttemptTimeout, time, cancellation);
            }
            catch (Exception exception)
                when ((exception is OrleansException or TimeoutException)
                    && !cancellation.IsCancellationRequested
                    && time.GetElapsedTime(start) + pause < CallTimeout
                )
            {
                await Task.Delay(pause, time, cancellation);
            }
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
