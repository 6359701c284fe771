using Streaming.Contracts;

namespace Streaming.Gateway.Watching;

/// <summary>Calls to a cluster that may be away for a while.</summary>
internal static class Reaching
{
    /// <summary>How long one call may take before it counts as failed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>How long a person's call is tried again before it fails: a silo that is gone is replaced by then.</summary>
    public static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(12);

    /// <summary>The pause after a first failure; it doubles up to <see cref="LongestPause"/>.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause between two attempts.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Calls until an answer comes; only the caller's leaving ends the attempts. A refusal is an answer, unless it says
    /// <see cref="Refusal.Unavailable"/>.
    /// </summary>
    public static async Task<T> UntilReached<T>(
        Func<Task<T>> call,
        TimeProvider time,
        CancellationToken cancellation,
        Action<Exception> reportOutage
    )
    {
        for (TimeSpan pause = FirstPause; ; pause = Min(pause * 2, LongestPause))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await call().WaitAsync(Patience, time, cancellation);
            }
            catch (RequestRefusedException refused) when (refused.Refusal != Refusal.Unavailable)
            {
                throw;
            }
            catch (Exception exception) when (!cancellation.IsCancellationRequested)
            {
                if (pause == FirstPause)
                    reportOutage(exception);
            }
            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>
    /// Calls while nobody is reached, until <see cref="CallPatience"/> is over; for what may be said twice. Any failure of the
    /// callee's own is an answer.
    /// </summary>
    public static async Task<T> WithPatience<T>(Func<Task<T>> call, TimeProvider time, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        for (TimeSpan pause = FirstPause; ; pause = Min(pause * 2, LongestPause))
        {
            try
            {
                return await call().WaitAsync(Patience, time, cancellation);
            }
            catch (Exception exception)
                when ((exception is OrleansException or TimeoutException)
                    && !cancellation.IsCancellationRequested
                    && time.GetElapsedTime(start) + pause < CallPatience
                )
            {
                await Task.Delay(pause, time, cancellation);
            }
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
