using Streaming.Storage.Log;

namespace Streaming.Storage.Azure;

/// <summary>
/// Lets some requests through at a time; the others wait, so that a burst waits here and not at the store, where its last would
/// outlast their time limit.
/// </summary>
internal sealed class RequestLimiter
{
    private const int AtOnce = 64;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _places = new(AtOnce, AtOnce);

    /// <summary>A place, to be disposed when the request is over.</summary>
    /// <exception cref="LogUnavailableException">None became free.</exception>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellation) =>
        await _places.WaitAsync(MaxWait, cancellation).ConfigureAwait(false)
            ? new Place(_places)
            : throw new LogUnavailableException(
                $"The store had no time for a request within {MaxWait.TotalSeconds:0} s.",
                new TimeoutException()
            );

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
