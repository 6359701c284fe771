using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Streaming.Storage.Log;

namespace Streaming.Storage.Sqlite;

/// <summary>
/// The embedded store of one host: the file <c>conversations.db</c> in a folder that no other host has open, one thread that writes it,
/// and a few connections that read it.
/// </summary>
internal sealed partial class SqliteStore(string folder, ILogger<SqliteStore> logger) : IStoreHealth, IDisposable
{
    private readonly Lock _opening = new();
    private DataFolderLock? _folder;
    private SqliteWriter? _writer;
    private SqliteReaderPool? _readers;

    /// <summary>The number of commits since the store was opened.</summary>
    public long Commits => Opened(_writer).Commits;

    /// <inheritdoc/>
    public async Task<string?> FindProblemAsync(CancellationToken cancellation)
    {
        try
        {
            await WriteAsync(static session => session.Execute("UPDATE schema_version SET version = version"), cancellation);
            return null;
        }
        catch (LogUnavailableException error)
        {
            return Opened(_writer).Problem ?? error.Message;
        }
    }

    /// <summary>Opens the store: locks the folder, and creates or checks the file. If it is open, there is no effect.</summary>
    /// <exception cref="StoreOpenException">The store cannot be opened; nothing is left open.</exception>
    public void Open()
    {
        lock (_opening)
        {
            if (_folder is not null)
                return;
            var taken = DataFolderLock.Acquire(folder);
            try
            {
                _writer = new SqliteWriter(
                    taken.Database,
                    OpenFirst(taken.Database),
                    () => new SqliteSession(taken.Database, readOnly: false),
                    logger
                );
                _readers = new SqliteReaderPool(() => new SqliteSession(taken.Database, readOnly: true));
                _folder = taken;
            }
            catch
            {
                taken.Dispose();
                throw;
            }

            LogOpened(logger, taken.Database, SqliteSchema.Version);
        }
    }

    /// <summary>Queues a write and waits until it is on the disk.</summary>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> write, CancellationToken cancellation, int bytes = 0) =>
        Opened(_writer).WriteAsync(write, bytes, cancellation);

    /// <summary>Reads one snapshot of the file.</summary>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellation) =>
        Opened(_readers).ReadAsync(read, cancellation);

    /// <summary>Finishes queued writes, closes the file and unlocks the folder. A second call has no effect.</summary>
    public void Dispose()
    {
        lock (_opening)
        {
            if (_folder is null)
                return;
            _readers?.Dispose();
            _writer?.Dispose();
            _folder.Dispose();
            _folder = null;
        }
    }

    private static SqliteSession OpenFirst(string database)
    {
        SqliteSession? session = null;
        try
        {
            session = new SqliteSession(database, readOnly: false);
            SqliteSchema.Prepare(session, database);
            return session;
        }
        catch (SqliteException error)
        {
            session?.Dispose();
            throw new StoreOpenException(
                $"{database} cannot be opened as a SQLite database ({error.Message.TrimEnd('.')}); move it away or restore a copy.",
                error
            );
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    private static T Opened<T>(T? part)
        where T : class => part ?? throw new InvalidOperationException("The store is not open yet; it opens when the host starts.");

    [LoggerMessage(LogLevel.Information, "The store {Database} is open (schema version {Version}).")]
    private static partial void LogOpened(ILogger logger, string database, int version);
}
