using Streaming.Contracts;

namespace Streaming.Gateway.Watching;

/// <summary>Retries calls to a cluster that may be unreachable for a while.</summary>
internal static class ClusterRetry
{
    /// <summary>The timeout of one attempt.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(4);

    /// <summary>The timeout of a client's call with all its attempts: a lost silo is replaced by then.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(12);

    /// <summary>The delay after the first failure; it doubles up to <see cref="LongestDelay"/>.</summary>
    public static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest delay between two attempts.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Repeats a call until it is answered or cancelled. A refusal is an answer, except <see cref="Refusal.Unavailable"/>.
    /// </summary>
    public static async Task<T> UntilAnsweredAsync<T>(
        Func<Task<T>> call,
        TimeProvider time,
        Action<Exception> onUnreachable,
        CancellationToken cancellation
    )
    {
        for (TimeSpan delay = FirstDelay; ; delay = Min(delay * 2, LongestDelay))
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
                if (delay == FirstDelay)
                    onUnreachable(exception);
            }
            await Task.Delay(delay, time, cancellation);
        }
    }

    /// <summary>
    /// Repeats a call for <see cref="CallTimeout"/> while the cluster cannot be reached; for calls that are safe to repeat. An exception
    /// of the grain is an answer.
    /// </summary>
    public static Task<T> WithinTimeoutAsync<T>(Func<Task<T>> call, TimeProvider time, CancellationToken cancellation) =>
        WithinTimeoutAsync(_ => call(), time, cancellation);

    /// <summary>
    /// As above, for a call that costs much: an attempt that is given up is cancelled, so that it does not run beside the next one.
    /// </summary>
    public static async Task<T> WithinTimeoutAsync<T>(
        Func<CancellationToken, Task<T>> call,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        long start = time.GetTimestamp();
        for (TimeSpan delay = FirstDelay; ; delay = Min(delay * 2, LongestDelay))
        {
            try
            {
                return await AttemptAsync(call, time, cancellation);
            }
            catch (Exception exception)
                when ((exception is OrleansException or TimeoutException)
                    && !cancellation.IsCancellationRequested
                    && time.GetElapsedTime(start) + delay < CallTimeout
                )
            {
                await Task.Delay(delay, time, cancellation);
            }
        }
    }

    private static async Task<T> AttemptAsync<T>(Func<CancellationToken, Task<T>> call, TimeProvider time, CancellationToken cancellation)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            return await call(attempt.Token).WaitAsync(AttemptTimeout, time, cancellation);
        }
        catch (TimeoutException)
        {
            await attempt.CancelAsync();
            throw;
        }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
