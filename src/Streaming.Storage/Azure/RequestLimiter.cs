using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// Limits concurrent requests. In a burst, the others wait here and not at the store, where the last of them would exceed their time
/// limit.
/// </summary>
internal sealed class RequestLimiter : IDisposable
{
    private const int AtOnce = 64;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _permits = new(AtOnce, AtOnce);

    /// <summary>Waits for a permit. Dispose it when the request is over.</summary>
    /// <exception cref="LogUnavailableException">None became free in time.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation) =>
        await _permits.WaitAsync(MaxWait, cancellation).ConfigureAwait(false)
            ? new Permit(_permits)
            : throw new LogUnavailableException(
                $"The store was too busy to start a request within {MaxWait.TotalSeconds:0} s.",
                new TimeoutException()
            );

    /// <summary>Releases the semaphore, once no request is under way.</summary>
    public void Dispose() => _permits.Dispose();

    private sealed class Permit(SemaphoreSlim permits) : IDisposable
    {
        public void Dispose() => permits.Release();
    }
}
