using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>A pool of reading connections: a few reads at a time, off the caller's thread, each on one snapshot of the file.</summary>
internal sealed class SqliteReaderPool(Func<SqliteSession> open) : IDisposable
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    /// <summary>Reads that may wait for a place; more are refused at once.</summary>
    public const int MaxWaiting = 1_024;

    private readonly SemaphoreSlim _places = new(Concurrency, Concurrency);
    private readonly ConcurrentBag<SqliteSession> _idle = [];
    private volatile bool _closed;
    private int _waiting;

    private static int Concurrency => Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>Runs a read in its own transaction.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellation)
    {
        ThrowIfClosed();
        await EnterAsync(cancellation).ConfigureAwait(false);

        Task<T> reading = Task.Run(() => Read(read), CancellationToken.None);
        try
        {
            return await reading.WaitAsync(MaxWait, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new LogUnavailableException($"The store did not answer a read within {MaxWait.TotalSeconds:0} s.", error);
        }
    }

    /// <summary>Waits for the reads in progress, then closes the connections.</summary>
    public void Dispose()
    {
        _closed = true;
        for (int taken = 0; taken < Concurrency && _places.Wait(MaxWait); taken++) { }

        while (_idle.TryTake(out SqliteSession? session))
            session.Dispose();
    }

    private async Task EnterAsync(CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting)
                throw new LogUnavailableException($"{MaxWaiting} reads wait at the store already.", new TimeoutException());
            if (!await _places.WaitAsync(MaxWait, cancellation).ConfigureAwait(false))
                throw new LogUnavailableException(
                    $"The store was too busy to start a read within {MaxWait.TotalSeconds:0} s.",
                    new TimeoutException()
                );
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed)
            throw new LogUnavailableException("The store is closed.", new ObjectDisposedException(nameof(SqliteStore)));
    }

    private T Read<T>(Func<SqliteSession, T> read)
    {
        SqliteSession? session = null;
        try
        {
            ThrowIfClosed();
            if (!_idle.TryTake(out session))
                session = open();
            session.Execute("BEGIN");
            T? answer = read(session);
            session.Execute("COMMIT");
            _idle.Add(session);
            session = null;
            return answer;
        }
        catch (SqliteException error)
        {
            throw new LogUnavailableException("The store could not read; look at the disk that holds it.", error);
        }
        finally
        {
            session?.Dispose();
            _places.Release();
        }
    }
}
