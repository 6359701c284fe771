namespace Streaming.Storage.Sqlite;

/// <summary>
/// Locks a store's folder for one host, by a lock file that the operating system releases even if the process is killed.
/// </summary>
internal sealed class DataFolderLock : IDisposable
{
    private const string DatabaseName = "conversations.db";
    private const string LockName = "conversations.lock";
    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private DataFolderLock(string database, FileStream @lock)
    {
        Database = database;
        _lock = @lock;
    }

    /// <summary>Path of the database file, which exists.</summary>
    public string Database { get; }

    /// <summary>Whether a folder contains a database file.</summary>
    public static bool HasStore(string folder) => File.Exists(Path.Combine(folder, DatabaseName));

    /// <summary>Creates the folder and the database file if they are missing, and locks the folder for this host.</summary>
    /// <exception cref="StoreOpenException">Another host has locked the folder, or it cannot be written.</exception>
    public static DataFolderLock Acquire(string folder)
    {
        folder = Path.GetFullPath(folder);
        FileStream? taken = null;
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, OwnerFolder);

            taken = OpenOrCreate(Path.Combine(folder, LockName), FileShare.None);
            string database = Path.Combine(folder, DatabaseName);
            // SQLite gives its write-ahead log the permissions of this file, so that other users can read neither.
            OpenOrCreate(database, FileShare.ReadWrite).Dispose();
            return new DataFolderLock(database, taken);
        }
        catch (IOException error) when (IsSharingViolation(error))
        {
            taken?.Dispose();
            throw new StoreOpenException(
                $"The data folder {folder} is in use by another host; stop that one, or give this one a folder of its own "
                    + "(Streaming:Data).",
                error
            );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            taken?.Dispose();
            throw new StoreOpenException(
                $"The data folder {folder} cannot be written ({error.Message.TrimEnd('.')}); make it writable, or choose another "
                    + "(Streaming:Data).",
                error
            );
        }
    }

    /// <summary>Unlocks the folder. The lock file stays: if it were removed, two waiting hosts could lock different files.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream OpenOrCreate(string path, FileShare share)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = share,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerFile;
        return new FileStream(path, options);
    }

    /// <summary>ERROR_SHARING_VIOLATION on Windows; EWOULDBLOCK of flock on Linux (11) and on macOS (35).</summary>
    private static bool IsSharingViolation(IOException error) => error.HResult is unchecked((int)0x80070020) or 11 or 35;
}
