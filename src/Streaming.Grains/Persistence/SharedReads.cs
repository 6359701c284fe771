namespace Streaming.Grains.Persistence;

/// <summary>
/// Reads of one conversation that are under way. A caller that asks for what is being read waits for that read; so a call that a
/// gateway repeats does not read a second time. For one grain: not thread-safe.
/// </summary>
internal sealed class SharedReads<TKey, T>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Task<T>> _running = [];

    /// <summary>Starts a read, or joins an equal one.</summary>
    public Task<T> ReadAsync(TKey key, Func<Task<T>> start)
    {
        if (_running.TryGetValue(key, out Task<T>? running))
            return running;
        Task<T> started = RunAsync(key, start);
        if (!started.IsCompleted)
            _running.Add(key, started);
        return started;
    }

    private async Task<T> RunAsync(TKey key, Func<Task<T>> start)
    {
        try
        {
            return await start();
        }
        finally
        {
            _running.Remove(key);
        }
    }
}
