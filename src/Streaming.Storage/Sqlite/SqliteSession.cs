using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Streaming.Storage.Sqlite;

/// <summary>A connection with its prepared statements, used by one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = [];

    /// <summary>Opens a connection and applies the settings that are per connection.</summary>
    /// <param name="database">The file.</param>
    /// <param name="readOnly">Whether writes through it are refused.</param>
    public SqliteSession(string database, bool readOnly)
    {
        // Sessions are pooled here, so the provider's own pool is off. The timeout applies to a busy file.
        _connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = database,
                Mode = SqliteOpenMode.ReadWrite,
                Pooling = false,
                DefaultTimeout = BusySeconds,
            }.ToString()
        );
        try
        {
            _connection.Open();
            Run($"PRAGMA busy_timeout = {BusySeconds * 1000}");
            Run(readOnly ? "PRAGMA query_only = ON" : WriterPragmas);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    private const int BusySeconds = 5;

    // FULL: a commit returns once the write-ahead log is on the disk. A checkpoint every 1,000 pages (4 MiB) keeps that log short, and
    // after a burst it is truncated to 16 MiB. secure_delete overwrites deleted rows.
    private const string WriterPragmas = """
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA wal_autocheckpoint = 1000;
        PRAGMA journal_size_limit = 16777216;
        PRAGMA secure_delete = ON;
        """;

    /// <summary>Whether no transaction is open: none was begun, or SQLite has rolled it back.</summary>
    public bool IsIdle => raw.sqlite3_get_autocommit(_connection.Handle) != 0;

    /// <summary>Runs any number of statements once, without preparing them.</summary>
    public void Run(string sql)
    {
        using SqliteCommand command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Runs a statement. Returns the number of rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values) => Bind(sql, values).ExecuteNonQuery();

    /// <summary>The first row, or null.</summary>
    public T? First<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
        where T : class
    {
        using SqliteDataReader rows = Bind(sql, values).ExecuteReader();
        return rows.Read() ? read(rows) : null;
    }

    /// <summary>The number in the first row's first column, or null.</summary>
    public long? Number(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using SqliteDataReader rows = Bind(sql, values).ExecuteReader();
        return rows.Read() && !rows.IsDBNull(0) ? rows.GetInt64(0) : null;
    }

    /// <summary>All rows.</summary>
    public List<T> All<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var all = new List<T>();
        Each(
            sql,
            row =>
            {
                all.Add(read(row));
                return true;
            },
            values
        );
        return all;
    }

    /// <summary>Passes rows to <paramref name="visit"/> until it returns false.</summary>
    public void Each(string sql, Func<SqliteDataReader, bool> visit, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using SqliteDataReader rows = Bind(sql, values).ExecuteReader();
        while (rows.Read() && visit(rows)) { }
    }

    /// <summary>Closes the connection; an open transaction is rolled back.</summary>
    public void Dispose()
    {
        foreach (SqliteCommand command in _prepared.Values)
            command.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Bind(string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_prepared.TryGetValue(sql, out SqliteCommand? command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            foreach ((string name, object? _) in values)
                command.Parameters.Add(new SqliteParameter { ParameterName = name });
            _prepared.Add(sql, command);
        }

        for (int i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i].Value ?? DBNull.Value;
        return command;
    }
}
