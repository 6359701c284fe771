using Streaming.Contracts.Workers;

namespace Streaming.Grains.Conversations;

/// <summary>Reads a worker's stream of updates with a time limit for each.</summary>
internal sealed class DecodeStream : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended;
    private readonly IAsyncEnumerator<DecodeUpdate> _updates;
    private readonly TimeProvider _time;
    private Task<bool> _next;
    private bool _isAbandoned;

    public DecodeStream(IAsyncEnumerable<DecodeUpdate> source, TimeProvider time, CancellationToken cancellation)
    {
        _time = time;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _updates = source.GetAsyncEnumerator(_ended.Token);
        _next = _updates.MoveNextAsync().AsTask();
    }

    /// <summary>Whether <see cref="ReadAsync"/> would complete within a time.</summary>
    public Task<bool> IsReadyWithinAsync(TimeSpan wait) => _next.CompletesWithinAsync(wait, _time);

    /// <summary>The next update; null at the end of the stream.</summary>
    public async Task<DecodeUpdate?> ReadAsync()
    {
        if (!await _next)
            return null;
        DecodeUpdate update = _updates.Current;
        _next = _updates.MoveNextAsync().AsTask();
        return update;
    }

    /// <summary>Disposing will not wait for the worker, which does not answer; its calls end with the limit that every call has.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Disposing the enumerator alone does not reach a worker while a call is under way; the token does.
        await _ended.CancelAsync();
        Task closing = CloseAsync();
        if (!_isAbandoned)
            await closing;
        _ended.Dispose();
    }

    private async Task CloseAsync()
    {
        await _next.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        try
        {
            await _updates.DisposeAsync();
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or OperationCanceledException)
        {
            // A worker that cannot be reached holds nothing for a reader that has left.
        }
    }
}
