using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// The one thread that writes. It takes all queued writes, runs each in a savepoint, commits once (group commit: one disk sync for all of
/// them), and only then answers the callers. A write that fails leaves no trace and does not affect the others. If the commit fails, all
/// of its writes fail.
/// </summary>
internal sealed partial class SqliteWriter : IDisposable
{
    private const int QueueLimit = 1024;
    private const int MaxWritesPerCommit = 256;
    private const long MaxBytesPerCommit = 8 << 20;
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly Channel<Write> _queue = Channel.CreateBounded<Write>(
        new BoundedChannelOptions(QueueLimit) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
    );
    private readonly string _database;
    private readonly Func<SqliteSession> _open;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private SqliteSession? _session;
    private long _commits;
    private volatile string? _problem;

    /// <summary>Starts the thread.</summary>
    /// <param name="database">The file.</param>
    /// <param name="session">The connection, which the writer owns.</param>
    /// <param name="open">Opens another connection after a failed commit.</param>
    /// <param name="logger">Receives failures.</param>
    public SqliteWriter(string database, SqliteSession session, Func<SqliteSession> open, ILogger logger)
    {
        _database = database;
        _session = session;
        _open = open;
        _logger = logger;
        _thread = new Thread(WriteUntilClosed) { Name = "store-writer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The number of commits.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Why the last commit failed; null if it succeeded.</summary>
    public string? Problem => _problem;

    /// <summary>Queues a write and waits until it is on the disk. Cancellation ends the wait; a queued write is still executed.</summary>
    /// <param name="write">Runs on the writer's thread, in a savepoint; a later failure of the commit undoes it.</param>
    /// <param name="bytes">Roughly how many bytes it writes.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<T> WriteAsync<T>(Func<SqliteSession, T> write, int bytes, CancellationToken cancellation)
    {
        var request = new Write<T>(write, bytes);
        try
        {
            await EnqueueAsync(request, cancellation).ConfigureAwait(false);
            return await request.Result.WaitAsync(MaxWait, cancellation).ConfigureAwait(false);
        }
        catch (ChannelClosedException error)
        {
            throw new LogUnavailableException("The store is closed; nothing was written.", error);
        }
        catch (TimeoutException error)
        {
            throw new LogUnavailableException(
                $"The store did not complete a write within {MaxWait.TotalSeconds:0} s; the write may still take effect.",
                error
            );
        }
    }

    /// <summary>Refuses new writes, finishes queued ones, and ends the thread.</summary>
    public void Dispose()
    {
        _queue.Writer.TryComplete();
        if (!_thread.Join(MaxWait))
            LogStuck(_logger, MaxWait.TotalSeconds);
    }

    private async Task EnqueueAsync(Write request, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_queue.Writer.TryWrite(request))
            return;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(MaxWait);
        try
        {
            await _queue.Writer.WriteAsync(request, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new LogUnavailableException(
                $"The store's queue of {QueueLimit} writes was full for {MaxWait.TotalSeconds:0} s; nothing was written.",
                error
            );
        }
    }

    private void WriteUntilClosed()
    {
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            WriteWhatWaits();
        _session?.Dispose();
    }

    private void WriteWhatWaits()
    {
        var batch = new List<Write>();
        try
        {
            RequireFile();
            _session ??= _open();
            _session.Execute("BEGIN IMMEDIATE");
            for (
                long bytes = 0;
                batch.Count < MaxWritesPerCommit && bytes < MaxBytesPerCommit && _queue.Reader.TryRead(out Write? write);
                bytes += write.Bytes
            )
            {
                batch.Add(write);
                RunInSavepoint(_session, write);
            }

            _session.Execute("COMMIT");
            Interlocked.Increment(ref _commits);
            _problem = null;
        }
        catch (Exception error)
        {
            FailAll(batch, error);
            return;
        }

        foreach (Write write in batch)
            write.Answer();
    }

    /// <summary>SQLite keeps writing to a file that was deleted under it; what it stores there would be lost at the next start.</summary>
    private void RequireFile()
    {
        if (!File.Exists(_database))
            // The message is shown by the health route; the name of the file is in the log only.
            throw new FileNotFoundException(
                "The store's file was removed while the store was open: stop the host, restore the file, and start again.",
                _database
            );
    }

    private static void RunInSavepoint(SqliteSession session, Write write)
    {
        session.Execute("SAVEPOINT one_write");
        try
        {
            write.Run(session);
        }
        catch (Exception error) when (!session.IsIdle)
        {
            session.Execute("ROLLBACK TO one_write");
            write.Refuse(error is SqliteException ? Unavailable(error) : error);
        }

        session.Execute("RELEASE one_write");
    }

    /// <summary>Closes the connection, which rolls back whatever is open; the next commit opens another.</summary>
    private void FailAll(List<Write> batch, Exception error)
    {
        while (batch.Count < MaxWritesPerCommit && _queue.Reader.TryRead(out Write? waiting))
            batch.Add(waiting);
        LogCommitFailed(_logger, batch.Count, error);
        _problem = error.Message;
        _session?.Dispose();
        _session = null;
        foreach (Write write in batch)
        {
            write.Refuse(Unavailable(error));
            write.Answer();
        }
    }

    private static LogUnavailableException Unavailable(Exception error) =>
        new("The store could not write; look at the disk that holds it.", error);

    [LoggerMessage(LogLevel.Error, "A commit of {Writes} writes failed; their callers received an error.")]
    private static partial void LogCommitFailed(ILogger logger, int writes, Exception error);

    [LoggerMessage(LogLevel.Error, "The store's writer did not finish within {Seconds} s; writes that are still queued are lost.")]
    private static partial void LogStuck(ILogger logger, double seconds);

    private abstract class Write(int bytes)
    {
        public int Bytes { get; } = bytes;

        public abstract void Run(SqliteSession session);

        public abstract void Refuse(Exception error);

        public abstract void Answer();
    }

    private sealed class Write<T>(Func<SqliteSession, T> run, int bytes) : Write(bytes)
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _value;
        private Exception? _error;

        public Task<T> Result => _answer.Task;

        public override void Run(SqliteSession session) => _value = run(session);

        public override void Refuse(Exception error) => _error = error;

        public override void Answer()
        {
            if (_error is null)
                _answer.SetResult(_value!);
            else
                _answer.SetException(_error);
        }
    }
}
